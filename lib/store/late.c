/* nbdkit-zram: pages that are not compressed yet.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "late.h"
#include "os.h"

/* Judge after so many times max writes. */
#define JUDGED_AFTER 4

/* How many values the hash has: a power of two, not less than max. */
static unsigned
late_hash_bits (uint32_t max)
{
  unsigned bits = 0;

  while (bits < 31 && UINT32_C (1) << bits < max)
    bits++;
  return bits;
}

static size_t
late_hash_bytes (uint32_t max)
{
  return sizeof (uint32_t) << late_hash_bits (max);
}

uint64_t
late_bytes (uint32_t max)
{
  return max ? max * sizeof (struct late_page) + 2 * late_hash_bytes (max)
    : 0;
}

/* Slots that follow each other are spread evenly. */
static uint32_t
late_hash (const struct late *l, uint32_t slot)
{
  return (uint32_t) ((uint64_t) (slot * UINT32_C (2654435769)) >>
                     l->hash_shift);
}

int
late_init (struct late *l, uint32_t max)
{
  *l = (struct late) { .hash_shift = 32 - late_hash_bits (max) };
  l->pays = true;
  if (max == 0)
    return 0;
  l->page = os_alloc (max * sizeof *l->page);
  l->first = os_alloc (late_hash_bytes (max));
  l->seen = os_alloc (late_hash_bytes (max));
  l->max = max;
  if (!l->page || !l->first || !l->seen) {
    late_destroy (l);
    return -ENOMEM;
  }
  late_clear (l);
  return 0;
}

void
late_destroy (struct late *l)
{
  os_free (l->page, l->max * sizeof *l->page);
  os_free (l->first, late_hash_bytes (l->max));
  os_free (l->seen, late_hash_bytes (l->max));
  l->page = NULL;
  l->first = l->seen = NULL;
  l->max = l->n = 0;
}

void
late_clear (struct late *l)
{
  uint32_t i;

  if (l->max == 0)
    return;
  for (i = 0; i < l->max; ++i)
    l->page[i].next = i + 1 < l->max ? i + 1 : LATE_NONE;
  memset (l->first, 0xff, late_hash_bytes (l->max));
  l->unused = 0;
  l->n = 0;
  l->newest = l->oldest = LATE_NONE;
}

uint32_t
late_search (const struct late *l, uint64_t slot)
{
  uint32_t i = l->first[late_hash (l, (uint32_t) slot)];

  while (i != LATE_NONE && l->page[i].slot != slot)
    i = l->page[i].next;
  return i;
}

/* The order of writing. */

static void
late_link_newest (struct late *l, uint32_t i)
{
  l->page[i].newer = LATE_NONE;
  l->page[i].older = l->newest;
  if (l->newest != LATE_NONE)
    l->page[l->newest].newer = i;
  else
    l->oldest = i;
  l->newest = i;
}

static void
late_unlink (struct late *l, uint32_t i)
{
  const struct late_page *p = &l->page[i];

  *(p->newer != LATE_NONE ? &l->page[p->newer].older : &l->newest) =
    p->older;
  *(p->older != LATE_NONE ? &l->page[p->older].newer : &l->oldest) =
    p->newer;
}

void
late_add (struct late *l, uint64_t slot)
{
  uint32_t i = l->unused, *first = &l->first[late_hash (l, (uint32_t) slot)];

  l->unused = l->page[i].next;
  l->page[i] = (struct late_page) { .slot = (uint32_t) slot, .next = *first };
  *first = i;
  late_link_newest (l, i);
  l->n++;
}

void
late_refresh (struct late *l, uint32_t i)
{
  l->page[i].taken = false;
  late_unlink (l, i);
  late_link_newest (l, i);
}

void
late_remove (struct late *l, uint32_t i)
{
  uint32_t *p = &l->first[late_hash (l, l->page[i].slot)];

  while (*p != i)
    p = &l->page[*p].next;
  *p = l->page[i].next;
  late_unlink (l, i);
  l->page[i].next = l->unused;
  l->unused = i;
  l->n--;
}

uint32_t
late_oldest (const struct late *l)
{
  uint32_t i = l->n ? l->oldest : LATE_NONE;

  while (i != LATE_NONE && l->page[i].taken)
    i = l->page[i].newer;
  return i;
}

/* Does it pay? */

static void
late_judge (struct late *l)
{
  uint64_t found = UINT64_C (100) * l->found;

  if (found < (uint64_t) LATE_OFF_PER_CENT * l->writes)
    l->pays = false;
  else if (found >= (uint64_t) LATE_ON_PER_CENT * l->writes)
    l->pays = true;
  l->writes = l->found = 0;
}

void
late_note (struct late *l, uint64_t slot)
{
  uint32_t *seen = &l->seen[late_hash (l, (uint32_t) slot)];

  l->found += *seen == (uint32_t) slot + 1;
  *seen = (uint32_t) slot + 1;
  if (++l->writes / JUDGED_AFTER >= l->max)
    late_judge (l);
}

/* Walk from the newest to the oldest. */
static int
late_check_order (const struct late *l)
{
  uint32_t i, newer = LATE_NONE, n = 0;

  for (i = l->newest; i != LATE_NONE && n <= l->n; i = l->page[i].older) {
    if (l->page[i].newer != newer || late_search (l, l->page[i].slot) != i)
      return -EIO;
    newer = i;
    n++;
  }
  return n == l->n && l->oldest == newer ? 0 : -EIO;
}

int
late_check (const struct late *l)
{
  uint32_t i, unused = 0;

  if (l->max == 0)
    return l->n == 0 ? 0 : -EIO;
  for (i = l->unused; i != LATE_NONE && unused <= l->max; i = l->page[i].next)
    unused++;
  return l->n + unused == l->max ? late_check_order (l) : -EIO;
}
