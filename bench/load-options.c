/* nbdkit-zram: the command line of the load generator.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One table of options: what each is called, what it does, and how its
 * value is read.
 */

#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load-options.h"
#include "number.h"
#include "support.h"

/* The largest request with data; requests without data may cover more. */
#define BLOCK_MAX (32 * 1024 * 1024)
#define RANGE_MAX (UINT64_C (2) << 30)

struct load_options opt = {
  .address.export = "",
  .connections = 1,
  .phase = { .op = "write", .pattern = "random", .block = 4096,
             .other = NBD_WRITE, .depth = 32, .seconds = 5 },
};

/* The parts of --op mix, in per cent. */
static unsigned mix_reads = 70, mix_trims;
static bool mix;

static uint64_t
option_number (const char *name, const char *value, uint64_t min, uint64_t max)
{
  uint64_t n;

  if (number_size (value, 0, &n) < 0 || n < min || n > max)
    die ("--%s must be a number from %" PRIu64 " to %" PRIu64 ": %s",
         name, min, max, value);
  return n;
}

static double
option_seconds (const char *name, const char *value)
{
  uint64_t ns;

  if (number_seconds (value, &ns) < 0 || ns > 86400 * UINT64_C (1000000000))
    die ("--%s must be a number of seconds: %s", name, value);
  return (double) ns / 1e9;
}

static void
set_uri (const char *name, const char *value)
{
  if (nbd_parse_uri (value, &opt.address) == -1)
    die ("--%s is nbd://HOST[:PORT]/EXPORT or "
         "nbd+unix:///EXPORT?socket=PATH: %s", name, value);
}

static void
set_socket (const char *name, const char *value)
{
  (void) name;
  opt.address.path = (char *) value;
}

static void
set_export (const char *name, const char *value)
{
  (void) name;
  opt.address.export = (char *) value;
}

static void
set_connections (const char *name, const char *value)
{
  opt.connections = option_number (name, value, 1, 1024);
}

static void
set_depth (const char *name, const char *value)
{
  opt.phase.depth = option_number (name, value, 1, 4096);
}

static void
set_op (const char *name, const char *value)
{
  static const struct {
    const char *name;
    unsigned reads;
    enum nbd_command other;
  } ops[] = {
    { "read", 100, NBD_WRITE },
    { "write", 0, NBD_WRITE },
    { "mix", 0, NBD_WRITE },
    { "trim", 0, NBD_TRIM },
    { "zero", 0, NBD_ZERO },
    { NULL, 0, 0 }
  }, *o = ops;

  while (o->name && strcmp (value, o->name) != 0)
    o++;
  if (!o->name)
    die ("--%s is one of read, write, mix, trim, zero: %s", name, value);
  opt.phase.op = o->name;
  opt.phase.reads = o->reads;
  opt.phase.other = o->other;
  mix = strcmp (o->name, "mix") == 0;
}

static void
set_mix_read (const char *name, const char *value)
{
  mix_reads = option_number (name, value, 1, 99);
}

static void
set_mix_trim (const char *name, const char *value)
{
  mix_trims = option_number (name, value, 1, 98);
}

static void
set_pattern (const char *name, const char *value)
{
  opt.phase.sequential = strcmp (value, "sequential") == 0;
  opt.phase.zipf = strcmp (value, "zipf") == 0;
  if (!opt.phase.sequential && !opt.phase.zipf &&
      strcmp (value, "random") != 0)
    die ("--%s is random, sequential or zipf: %s", name, value);
  opt.phase.pattern = value;
}

static void
set_block (const char *name, const char *value)
{
  opt.phase.block = option_number (name, value, 512, RANGE_MAX);
  if (opt.phase.block & (opt.phase.block - 1))
    die ("--%s must be a power of two: %s", name, value);
}

static void
set_range (const char *name, const char *value)
{
  opt.size = option_number (name, value, 4096, INT64_MAX);
}

static void
set_seconds (const char *name, const char *value)
{
  opt.phase.seconds = option_seconds (name, value);
}

static void
set_count (const char *name, const char *value)
{
  opt.phase.count = option_number (name, value, 1, INT64_MAX);
}

static void
set_warmup (const char *name, const char *value)
{
  opt.phase.warmup = option_seconds (name, value);
}

static void
set_corpus (const char *name, const char *value)
{
  (void) name;
  opt.corpus = map_file (value, &opt.corpus_size);
}

static void
set_fill (const char *name, const char *value)
{
  (void) name, (void) value;
  opt.fill = true;
}

static void
set_verify (const char *name, const char *value)
{
  (void) name, (void) value;
  opt.verify = opt.phase.compare = true;
}

static void
set_zeroes (const char *name, const char *value)
{
  (void) name, (void) value;
  opt.zeroes_allowed = true;
}

static void
set_scatter (const char *name, const char *value)
{
  (void) name, (void) value;
  opt.scatter = true;
}

static void
set_device (const char *name, const char *value)
{
  (void) name;
  opt.device = value;
}

static void
set_seed (const char *name, const char *value)
{
  opt.seed = option_number (name, value, 0, UINT32_MAX - 1);
}

static void
set_server (const char *name, const char *value)
{
  opt.server = (pid_t) option_number (name, value, 1, INT32_MAX);
}

static void option_help (const char *name, const char *value)
  __attribute__ ((noreturn));

static const struct {
  const char *name, *value, *text;
  void (*set) (const char *name, const char *value);
} options[] = {
  { "uri", "URI", "of the server: nbd://... or nbd+unix://...", set_uri },
  { "socket", "PATH", "the same for a Unix socket", set_socket },
  { "export", "NAME", "with --socket", set_export },
  { "device", "PATH", "a block device instead: one thread a request",
    set_device },
  { "connections", "N", "how many [1]", set_connections },
  { "depth", "N", "requests at once on each [32]", set_depth },
  { "op", "OP", "read, write, mix, trim, zero [write]", set_op },
  { "mix-read", "PERCENT", "reads in a mix [70]", set_mix_read },
  { "mix-trim", "PERCENT", "trims in a mix; the rest are writes [0]",
    set_mix_trim },
  { "pattern", "P", "random, sequential, zipf [random]", set_pattern },
  { "block", "BYTES", "in a request [4k]", set_block },
  { "range", "BYTES", "of the disk to use [the corpus's size]", set_range },
  { "scatter", NULL, "spread what is used over the whole disk",
    set_scatter },
  { "seconds", "S", "how long [5]", set_seconds },
  { "count", "N", "so many requests instead", set_count },
  { "warmup", "S", "first so long without counting [0]", set_warmup },
  { "corpus", "FILE", "what to write; see capture", set_corpus },
  { "fill", NULL, "first write the corpus over all of it", set_fill },
  { "verify", NULL, "compare what is read, at the end all", set_verify },
  { "allow-zeroes", NULL, "read from a server without data", set_zeroes },
  { "seed", "N", "of the order and the contents [0]", set_seed },
  { "server-pid", "PID", "report the CPU time it uses", set_server },
  { "help", NULL, "this", option_help },
};

#define N_OPTIONS (sizeof options / sizeof *options)

static void
option_help (const char *name, const char *value)
{
  size_t i;

  (void) name, (void) value;
  printf ("load --uri URI|--socket PATH [OPTION...]\n");
  for (i = 0; i < N_OPTIONS; ++i)
    printf ("  --%-12s %-8s %s\n", options[i].name,
            options[i].value ? options[i].value : "", options[i].text);
  exit (EXIT_SUCCESS);
}

static void
option_check_block (void)
{
  const bool data = opt.phase.reads || opt.phase.other == NBD_WRITE;

  if (data && opt.phase.block > BLOCK_MAX)
    die ("--block must be at most %d where data are moved: %" PRIu64,
         BLOCK_MAX, opt.phase.block);
}

void
load_options (int argc, char *argv[])
{
  struct option list[N_OPTIONS + 1] = { { 0 } };
  size_t i;
  int n, r;

  for (i = 0; i < N_OPTIONS; ++i) {
    list[i].name = options[i].name;
    list[i].has_arg = options[i].value ? required_argument : no_argument;
  }
  while ((r = getopt_long (argc, argv, "", list, &n)) == 0)
    options[n].set (options[n].name, optarg);
  if (r != -1 || optind != argc ||
      !(opt.address.path || opt.address.host) == !opt.device)
    die ("name one server or device, and nothing that is no option: "
         "see load --help");
  if (mix) {
    opt.phase.reads = mix_reads;
    opt.phase.trims = mix_trims;
  }
  if (mix_reads + mix_trims > 100)
    die ("--mix-read and --mix-trim are %u %% together", mix_reads + mix_trims);
  option_check_block ();
  if (!opt.corpus && (opt.fill || (opt.phase.reads < 100 &&
                                   opt.phase.other == NBD_WRITE)))
    die ("--corpus must say what to write");
  if (opt.phase.zipf && (opt.device || opt.verify))
    die ("--pattern zipf is not for --device or --verify");
}
