/* nbdkit-zram: the exports, and connections to them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each kind of export is one table of functions; nbdkit's callbacks in
 * zram.c look up the table of the connection and call through it.
 */

#ifndef ZRAM_EXPORT_H
#define ZRAM_EXPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "devices.h"
#include "export-name.h"
#include "text-copy.h"

struct nbdkit_extents;
struct handle;

struct export {
  /* Open the export.  Return NULL, or a static text that says why it failed;
   * there is then nothing to close.
   */
  const char *(*open) (struct handle *h, const struct export_name *name);
  void (*close) (struct handle *h);
  uint64_t (*size) (const struct handle *h);

  /* The requests that are allowed, in addition to reading. */
  bool (*can_write) (const struct handle *h);
  bool is_disk;                 /* trim, zero, block status, multi-conn */

  /* Serve a request.  0 or -errno. */
  int (*pread) (struct handle *h, void *buf, uint32_t count,
                uint64_t offset);
  int (*pwrite) (struct handle *h, const void *buf, uint32_t count,
                 uint64_t offset);
  int (*trim) (struct handle *h, uint32_t count, uint64_t offset);
  int (*zero) (struct handle *h, uint32_t count, uint64_t offset,
               uint32_t flags);
  int (*extents) (struct handle *h, uint32_t count, uint64_t offset,
                  uint32_t flags, struct nbdkit_extents *extents);
};

extern const struct export export_disk, export_text, export_control;

/* One for each connection. */
struct handle {
  const struct export *export;
  struct device *device;        /* disk: the device it reads and writes */
  struct text_copy copy;        /* text, control: the text it reads */
  pthread_mutex_t lock;         /* control: of copy and answered */
  bool answered;                /* control: copy answers a command */
  bool may_write;               /* control */
  enum asker asker;             /* control */
  char description[128];
};

/* The description of the control export, for people. */
#define EXPORT_CONTROL_HELP "write a command, read its answer"

/* The value of control=, which says who may write. */
extern enum control export_control_access;

/* The control export is always as large as this. */
#define CONTROL_SIZE (256 * 1024)

#endif /* ZRAM_EXPORT_H */
