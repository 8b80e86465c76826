/* nbdkit-zram: the devices, zram0, zram1 and so on.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "statistics.h"
#include "worker.h"

/* The lock guards the list, and the fields of devices that devices.h says. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct device *list[DEVICES_MAX];
static bool taken[DEVICES_MAX]; /* numbers in use, or about to be */
static bool forked;

/* No static initializer makes a condition that goes by the monotonic clock. */
static void __attribute__ ((constructor))
device_init (void)
{
  cond_init_monotonic (&changed);
}

/* References */

static struct device *
device_refer (unsigned number)
{
  struct device *dev = number < DEVICES_MAX ? list[number] : NULL;

  if (dev)
    dev->refs++;
  return dev;
}

struct device *
device_get (unsigned number)
{
  struct device *dev;

  pthread_mutex_lock (&lock);
  dev = device_refer (number);
  pthread_mutex_unlock (&lock);
  return dev;
}

unsigned
devices_get (struct device *devices[DEVICES_MAX])
{
  unsigned i, n = 0;

  pthread_mutex_lock (&lock);
  for (i = 0; i < DEVICES_MAX; i++) {
    devices[n] = device_refer (i);
    if (devices[n])
      n++;
  }
  pthread_mutex_unlock (&lock);
  return n;
}

/* It frees nothing: whoever removes a device waits until all others have let
 * it go.  Readers need not.
 */
void
device_put (struct device *dev)
{
  pthread_mutex_lock (&lock);
  if (--dev->refs == 0)
    pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
}

/* Clients */

struct device *
device_connect (unsigned number)
{
  struct device *dev;

  pthread_mutex_lock (&lock);
  while ((dev = device_refer (number)) != NULL && dev->alone) {
    dev->refs--;                /* the list still has its own */
    pthread_cond_wait (&changed, &lock);
  }
  if (dev)
    dev->clients++;
  pthread_mutex_unlock (&lock);
  return dev;
}

void
device_disconnect (struct device *dev)
{
  pthread_mutex_lock (&lock);
  if (--dev->clients == 0)
    pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
  device_put (dev);
}

/* A client that has just said good-bye is still connected for a moment, until
 * the server has ended its threads.
 */
#define GOODBYE_MS 1000

/* Wait until no client is connected, for a moment at most.  Under the lock.
 * -EBUSY with a message.
 */
static int
device_wait_idle (const struct device *dev, char message[ZRAM_MESSAGE_MAX])
{
  struct timespec until = monotonic_in (GOODBYE_MS);
  int r = 0;

  while (dev->clients && r == 0)
    r = pthread_cond_timedwait (&changed, &lock, &until);
  if (dev->clients)
    snprintf (message, ZRAM_MESSAGE_MAX, "in use: %u client%s connected"
              " to %s", dev->clients, dev->clients == 1 ? " is" : "s are",
              dev->name);
  else if (dev->alone)
    snprintf (message, ZRAM_MESSAGE_MAX, "in use: another command is"
              " working on %s", dev->name);
  else
    return 0;
  return -EBUSY;
}

int
device_alone (struct device *dev, char message[ZRAM_MESSAGE_MAX])
{
  int r;

  pthread_mutex_lock (&lock);
  r = device_wait_idle (dev, message);
  if (r == 0)
    dev->alone = true;
  pthread_mutex_unlock (&lock);
  return r;
}

void
device_share (struct device *dev)
{
  pthread_mutex_lock (&lock);
  dev->alone = false;
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
}

/* Adding and removing */

/* Take the lowest free number; -1: there is none. */
static int
device_take_number (void)
{
  int n = 0;

  pthread_mutex_lock (&lock);
  while (n < DEVICES_MAX && taken[n])
    n++;
  if (n < DEVICES_MAX)
    taken[n] = true;
  pthread_mutex_unlock (&lock);
  return n < DEVICES_MAX ? n : -1;
}

static int
device_start (struct device *dev, char message[ZRAM_MESSAGE_MAX])
{
  int r = zram_keeper_start (dev->disk);

  if (r < 0)
    snprintf (message, ZRAM_MESSAGE_MAX, "cannot start the thread that keeps"
              " the memory tidy: %s", strerror (-r));
  return r;
}

static void
device_end (struct device *dev)
{
  zram_close (dev->disk);
  pthread_mutex_destroy (&dev->harmful);
  free (dev);
}

static int
device_make (struct device *dev, const struct zram_params *params,
             char message[ZRAM_MESSAGE_MAX])
{
  struct zram_params p = *params;
  int r;

  p.serial = !statistics_parallel;
  r = zram_open (&p, &dev->disk, message);

  if (r == 0 && forked)
    r = device_start (dev, message);
  return r;
}

int
device_add (const struct zram_params *params, unsigned *number,
            char message[ZRAM_MESSAGE_MAX])
{
  int n = device_take_number (), r = -ENOMEM;
  struct device *dev;

  if (n == -1) {
    snprintf (message, ZRAM_MESSAGE_MAX, "there are %d devices already,"
              " which is the maximum", DEVICES_MAX);
    return -EINVAL;
  }
  dev = calloc (1, sizeof *dev);
  if (!dev)
    snprintf (message, ZRAM_MESSAGE_MAX, "not enough memory for a device");
  else {
    dev->number = (unsigned) n;
    dev->refs = 1;
    pthread_mutex_init (&dev->harmful, NULL);
    snprintf (dev->name, sizeof dev->name, "zram%d", n);
    r = device_make (dev, params, message);
  }
  pthread_mutex_lock (&lock);
  if (r == 0)
    list[n] = dev;
  else
    taken[n] = false;
  pthread_mutex_unlock (&lock);
  if (r < 0 && dev)
    device_end (dev);
  *number = (unsigned) n;
  return r;
}

int
device_remove (unsigned number, char message[ZRAM_MESSAGE_MAX])
{
  struct device *dev;
  int r;

  pthread_mutex_lock (&lock);
  dev = device_refer (number);
  r = dev ? device_wait_idle (dev, message) : -ENODEV;
  /* Another command may have removed it meanwhile. */
  if (dev && r == 0 && list[number] != dev)
    r = -ENODEV;
  if (r == -ENODEV)
    snprintf (message, ZRAM_MESSAGE_MAX, "there is no device zram%u", number);
  if (dev && r == 0) {
    list[number] = NULL;
    taken[number] = false;
    dev->refs--;                /* the list's */
    zram_end_jobs (dev->disk);
  }
  if (dev && --dev->refs == 0)
    pthread_cond_broadcast (&changed);
  /* Wait for those who had found it before; they do not take long. */
  while (r == 0 && dev->refs)
    pthread_cond_wait (&changed, &lock);
  pthread_mutex_unlock (&lock);
  if (r == 0)
    device_end (dev);
  return r;
}

/* What they are */

struct device_view
device_look (const struct device *dev)
{
  struct device_view view = { .disk = dev->disk, .name = dev->name };

  pthread_mutex_lock (&lock);
  view.clients = dev->clients;
  pthread_mutex_unlock (&lock);
  view.steps = swap_steps (&view.nsteps);
  return view;
}

void
device_describe (const struct device *dev, char *buf, size_t size)
{
  snprintf (buf, size, "RAM disk compressed with %s in pages of %" PRIu32
            " KiB", zram_algorithm (dev->disk),
            zram_page_size (dev->disk) / 1024);
}

int
device_number (const char *name, size_t len)
{
  unsigned n = 0;
  size_t i;

  if (len < 5 || len > 6 || memcmp (name, "zram", 4) != 0)
    return -1;
  for (i = 4; i < len; i++) {
    if (name[i] < '0' || name[i] > '9')
      return -1;
    n = n * 10 + (unsigned) (name[i] - '0');
  }
  /* One name for each device: not zram00. */
  if ((len > 5 && name[4] == '0') || n >= DEVICES_MAX)
    return -1;
  return (int) n;
}

/* For the life of the server.  No other thread runs yet, or any more: no lock.
 */

int
devices_forked (char message[ZRAM_MESSAGE_MAX])
{
  unsigned i;
  int r = 0;

  forked = true;
  for (i = 0; i < DEVICES_MAX && r == 0; i++)
    if (list[i])
      r = device_start (list[i], message);
  return r;
}

void
devices_stop (void)
{
  unsigned i;

  for (i = 0; i < DEVICES_MAX; i++)
    if (list[i]) {
      zram_end_jobs (list[i]->disk);
      zram_keeper_stop (list[i]->disk);
    }
}

/* Connections that are still open send no more requests. */
void
devices_free (void)
{
  unsigned i;

  for (i = 0; i < DEVICES_MAX; i++)
    if (list[i]) {
      device_end (list[i]);
      list[i] = NULL;
      taken[i] = false;
    }
}
