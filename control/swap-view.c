/* nbdkit-zram: is it safe to swap to a disk?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "swap-view.h"

bool
swap_view_step (const struct device_view *view, unsigned n,
                struct swap_step *step)
{
  bool swap = zram_swap (view->disk);

  if (n < view->nsteps) {
    *step = view->steps[n];
    step->in_force = step->in_force && swap;
    return true;
  }
  *step = (struct swap_step) {
    "reserve", true, swap && zram_swap_reserve (view->disk) > 0,
  };
  return n == view->nsteps;
}

bool
swap_view_safe (const struct device_view *view)
{
  struct swap_step step;
  unsigned i;

  for (i = 0; swap_view_step (view, i, &step); i++)
    if (step.vital && !step.in_force)
      return false;
  return view->nsteps > 0;
}

const char *
swap_view_word (const struct device_view *view)
{
  return !zram_swap (view->disk) ? "off"
    : swap_view_safe (view) ? "safe" : "unsafe";
}
