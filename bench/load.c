/* nbdkit-zram: load an NBD server, or a block device, and time it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Keeps a number of requests under way on each of a number of connections
 * and prints one line of JSON.  Written data are pieces of a corpus of real
 * pages (see capture); reads that mostly return zeroes are an error,
 * because a compressed disk answers those without any work.
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "content.h"
#include "load-options.h"
#include "support.h"
#include "workload.h"

#define FILL_BLOCK (128 * 1024)
#define FILL_DEPTH 8

static const struct engine *engine;

/* Write the corpus over the disk, or read all of the disk, once. */
static void
load_once (unsigned reads, struct measured *m)
{
  struct phase p = {
    .reads = reads, .other = NBD_WRITE, .sequential = true,
    .compare = reads > 0, .fills = true,
    .block = FILL_BLOCK, .depth = FILL_DEPTH,
  };

  if (p.block < opt.phase.block || opt.scatter)
    p.block = opt.phase.block;
  p.count = opt.size / p.block;
  if (p.depth > p.count / opt.connections)
    p.depth = 1;
  engine->run (&p, m);
}

static void
load_print_latency (const struct latency *l)
{
  printf ("{\"mean\": %.1f, \"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f"
          ", \"max\": %.1f}",
          (double) l->sum / (double) l->count / 1e3,
          (double) latency_percentile (l, 0.5) / 1e3,
          (double) latency_percentile (l, 0.99) / 1e3,
          (double) latency_percentile (l, 0.999) / 1e3,
          (double) l->max / 1e3);
}

/* Print the latencies of each kind of request. */
static void
load_print_kinds (const struct measured *m)
{
  static const char *const names[] = { "read", "write", "trim", "zero" };
  const char *before = ", \"kinds\": {";
  unsigned k;

  for (k = 0; k < KINDS; ++k)
    if (m->latency[k].count > 0) {
      printf ("%s\"%s\": {\"ops\": %" PRIu64 ", \"latency_us\": ", before,
              names[k], m->latency[k].count);
      load_print_latency (&m->latency[k]);
      printf ("}");
      before = ", ";
    }
  printf ("}");
}

static void
load_report (const struct measured *fill, const struct measured *m,
             const struct latency *all)
{
  const struct phase *p = &opt.phase;
  const double n = (double) all->count, s = (double) m->time / 1e9;

  printf ("{\"op\": \"%s\", \"pattern\": \"%s\", \"block\": %" PRIu64
          ", \"connections\": %u, \"depth\": %u, \"size\": %" PRIu64
          ", \"seconds\": %.6f, \"ops\": %.0f, \"iops\": %.1f"
          ", \"mb_per_s\": %.2f",
          p->op, p->pattern, p->block, opt.connections, p->depth, opt.size,
          s, n, n / s, n * (double) p->block / s / 1e6);
  printf (", \"latency_us\": ");
  load_print_latency (all);
  if (p->reads && p->reads < 100)
    load_print_kinds (m);
  printf (", \"client_us_per_op\": %.3f", (double) m->client / n / 1e3);
  if (opt.server || opt.device)
    printf (", \"server_us_per_op\": %.3f", (double) m->server / n / 1e3);
  if (fill)
    printf (", \"fill_mb_per_s\": %.2f",
            (double) opt.size / ((double) fill->time / 1e9) / 1e6);
  if (opt.verify)
    printf (", \"verified\": %" PRIu64, content_verified ());
  printf ("}\n");
}

/* Round sizes down to whole pieces of what the fill writes. */
static void
load_settle_sizes (void)
{
  uint64_t piece = opt.phase.block;

  if (piece < FILL_BLOCK)
    piece = FILL_BLOCK;
  if (opt.corpus) {
    opt.corpus_size -= opt.corpus_size % piece;
    if (opt.corpus_size == 0)
      die ("the corpus has less than %" PRIu64 " bytes", piece);
    if (opt.size == 0)
      opt.size = opt.corpus_size;
  }
  if (opt.size == 0 || opt.size > opt.disk_size)
    opt.size = opt.disk_size;
  opt.size -= opt.size % piece;
  if (opt.size == 0)
    die ("the disk has less than %" PRIu64 " bytes", piece);
}

int
main (int argc, char *argv[])
{
  static struct measured fill, used, end;
  static struct latency all;
  unsigned k;

  load_options (argc, argv);
  engine = opt.device ? &device_engine : &nbd_engine;
  opt.disk_size = engine->open ();
  load_settle_sizes ();
  content_open ();
  if (opt.fill)
    load_once (0, &fill);
  engine->run (&opt.phase, &used);
  for (k = 0; k < KINDS; ++k)
    latency_join (&all, &used.latency[k]);
  if (all.count == 0)
    die ("not one request was answered in time");
  if (content_was_zeroes () && !opt.zeroes_allowed)
    die ("most of what was read is zeroes: fill the disk first");
  if (opt.verify)
    load_once (100, &end);
  engine->close ();
  load_report (opt.fill ? &fill : NULL, &used, &all);
  return EXIT_SUCCESS;
}
