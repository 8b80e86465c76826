/* nbdzramctl: what the keys of `top' do.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdlib.h>

#include "must.h"
#include "terminal.h"
#include "top.h"

static void
key_quit (struct top *top)
{
  top->quit = !top->help;
  top->help = false;
}

static void
key_help (struct top *top)
{
  top->help = !top->help;
}

/* Select the device so many lines further down. */
static void
key_move (struct top *top, int by)
{
  struct shown shown = top_shown (top);
  int to = (int) shown.selected + by;

  if (shown.n) {
    to = to < 0 ? 0 : to >= (int) shown.n ? (int) shown.n - 1 : to;
    free (top->selected);
    top->selected = device_text (shown.devices[to], "name");
  }
  free (shown.devices);
}

static void
key_up (struct top *top)
{
  key_move (top, -1);
}

static void
key_down (struct top *top)
{
  key_move (top, 1);
}

static void
key_first (struct top *top)
{
  key_move (top, -SERVER_DEVICES_MAX);
}

static void
key_last (struct top *top)
{
  key_move (top, SERVER_DEVICES_MAX);
}

static void
key_sort_next (struct top *top)
{
  top->sort = draw_sort_name (top->sort + 1) ? top->sort + 1 : 0;
}

static void
key_sort_back (struct top *top)
{
  if (top->sort == 0)
    while (draw_sort_name (top->sort + 1))
      top->sort++;
  else
    top->sort--;
}

static void
key_reverse (struct top *top)
{
  top->reverse = !top->reverse;
}

static void
key_detail (struct top *top)
{
  top->no_detail = !top->no_detail;
}

/* The help shows the rows that have a text. */
static const struct key {
  int key;
  void (*press) (struct top *top);
  const char *shown, *help;
} keys[] = {
  { KEY_CODE_UP, key_up, "Up, k", "the previous device" },
  { 'k', key_up, NULL, NULL },
  { KEY_CODE_DOWN, key_down, "Down, j", "the next device" },
  { 'j', key_down, NULL, NULL },
  { KEY_CODE_FIRST, key_first, "Home, g", "the first device" },
  { 'g', key_first, NULL, NULL },
  { KEY_CODE_LAST, key_last, "End, G", "the last device" },
  { 'G', key_last, NULL, NULL },
  { 's', key_sort_next, "s, >", "sort by the next column" },
  { '>', key_sort_next, NULL, NULL },
  { 'S', key_sort_back, "S, <", "sort by the previous column" },
  { '<', key_sort_back, NULL, NULL },
  { 'r', key_reverse, "r", "reverse the order" },
  { 'd', key_detail, "d", "show or hide the details" },
  { '?', key_help, "?, h", "show or hide this help" },
  { 'h', key_help, NULL, NULL },
  { 'q', key_quit, "q, Esc", "quit" },
  { 'Q', key_quit, NULL, NULL },
  { KEY_CODE_ESCAPE, key_quit, NULL, NULL },
};
#define N_KEYS (sizeof keys / sizeof keys[0])

char *
top_help (void)
{
  char *text = must_copy ("\nKeys:\n");
  size_t i;

  for (i = 0; i < N_KEYS; i++)
    if (keys[i].shown)
      must_append (&text, "  %-8s %s\n", keys[i].shown, keys[i].help);
  must_append (&text, "%s",
    "\nRates and times are those of the last interval; - means none, or\n"
    "unknown.  p99: the time in the server that 99 % did not exceed.\n"
    "The column that devices are sorted by is underlined.\n");
  return text;
}

void
top_press (struct top *top)
{
  int key;
  size_t i;

  while ((key = terminal_key ()) != 0)
    for (i = 0; i < N_KEYS; i++)
      if (keys[i].key == key)
        keys[i].press (top);
}
