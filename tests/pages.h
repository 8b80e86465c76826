/* nbdkit-zram: random numbers, and pages to test with.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Everything random comes from one seed: argv[1], or else a new one.  It
 * is printed, so that a failure can be played again.
 */
extern uint64_t pages_seed (int argc, char *argv[]);

/* A number below n. */
extern size_t below (size_t n);

/* The kinds of pages.  Each call makes another page, but for those that
 * have one value only.
 */
struct page_kind {
  const char *name;
  void (*make) (unsigned char *page, size_t len);
};
extern const struct page_kind kinds[];
extern const size_t nr_kinds;

/* The kind that no codec can compress. */
extern void page_noise (unsigned char *page, size_t len);

#endif /* PAGES_H */
