/* nbdzramctl: the command line.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Two ways of saying things, as in zramctl (options and devices) and as in
 * newer tools (a command and its arguments), told apart by the first word
 * that is no option.  One table of options serves both, with the commands
 * that each is for; the help is printed from the tables.
 */

#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "commands.h"
#include "message.h"
#include "must.h"
#include "timeout.h"

enum {                          /* the commands that an option is for */
  LIST = 1 << 0, SETUP = 1 << 1, STAT = 1 << 2, RESET = 1 << 3,
  TOP = 1 << 4, ESTIMATE = 1 << 5, ATTACH = 1 << 6, DETACH = 1 << 7,
  SWAPON = 1 << 8, SWAPOFF = 1 << 9, SERVE = 1 << 10, OTHER = 1 << 11,
  MOUNT = 1 << 12, UNMOUNT = 1 << 13, RECOMPRESS = 1 << 14,
  ALL = (1 << 15) - 1
};

static const struct command {
  const char *name, *arguments;
  command_fn *run;
  int min, max;                 /* arguments; -1: any number */
  unsigned who;
  const char *help;
} commands[] = {
  { "stat", "[DEVICE...]", command_stat, 0, -1, STAT,
    "print everything about devices" },
  { "get", "DEVICE [ATTRIBUTE]", command_get, 1, 2, OTHER,
    "print an attribute, or list all of them" },
  { "set", "DEVICE ATTRIBUTE VALUE...", command_set, 3, -1, OTHER,
    "write to an attribute" },
  { "add", "[size=]SIZE [KEY=VALUE...]", command_add, 1, -1, OTHER,
    "make a device and print its name" },
  { "remove", "DEVICE...", command_remove, 1, -1, OTHER,
    "remove devices and all data on them" },
  { "reset", "DEVICE...", command_reset, 1, -1, RESET,
    "forget all data on devices" },
  { "compact", "DEVICE...", command_compact, 1, -1, OTHER,
    "give back free memory now" },
  { "recompress", "[DEVICE]", command_recompress, 0, 1, RECOMPRESS,
    "compress stored pages again" },
  { "top", "[DEVICE...]", command_top, 0, -1, TOP,
    "watch devices; q quits" },
  { "estimate", "FILE | --pid PID", command_estimate, 0, 1, ESTIMATE,
    "show how well each codec compresses data" },
  { "attach", "[DEVICE]", command_attach, 0, 1, ATTACH,
    "attach a device as /dev/nbdN" },
  { "detach", "DEVICE...", command_detach, 1, -1, DETACH,
    "detach devices from this machine" },
  { "swapon", "[DEVICE]", command_swapon, 0, 1, SWAPON,
    "attach a device and swap to it" },
  { "swapoff", "DEVICE...", command_swapoff, 1, -1, SWAPOFF,
    "stop swapping to devices and detach them" },
  { "mount", "[DEVICE]", command_mount, 0, 1, MOUNT,
    "put a file system on a device and mount it" },
  { "unmount", "DEVICE...", command_unmount, 1, -1, UNMOUNT,
    "unmount devices, forget and detach them" },
  { "serve", "", command_serve, 0, 0, SERVE,
    "run the server that --config describes" },
  { "prometheus", "", command_prometheus, 0, 0, OTHER,
    "print metrics in Prometheus format" },
  { "help", "", NULL, 0, 0, ALL,
    "print this help" },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* What is done without a command, as zramctl does it. */
static const struct command list_row =
  { NULL, "[DEVICE...]", command_list, 0, -1, LIST, NULL };
static const struct command find_row =
  { "-f", "", command_find, 0, -1, SETUP, NULL };
static const struct command setup_row =
  { "-s, -a, -p and -t", "DEVICE", command_setup, 0, -1, SETUP, NULL };
static const struct command reset_row =
  { "-r", "DEVICE...", command_reset, 1, -1, RESET, NULL };

static struct options options;
static bool want_help, want_version;

enum {
  OUTPUT_ALL = 256, RAW, FORCE, ONCE, INTERVAL, PID, SAMPLE, PAGE_SIZE,
  DEVICE, CONNECTIONS, NBD_TIMEOUT, TIMEOUT, PRIORITY, DISCARD, FS_TYPE,
  MOUNT_POINT, MOUNT_OPTIONS, CONFIG, DRY_RUN, CHECK, TYPE, THRESHOLD,
  MAX_PAGES
};

/* Either a text or a flag. */
static const struct option_row {
  int letter;
  const char *name, *argument;
  const char **text;
  bool *flag;
  unsigned who;
  const char *help;
} rows[] = {
  { 'a', "algorithm", "ALG", &options.algorithm, NULL,
    SETUP | ESTIMATE | RECOMPRESS,
    "codec; for estimate a list such as zstd:3,lz4" },
  { 'b', "bytes", NULL, NULL, &options.bytes, LIST | STAT | ESTIMATE,
    "print sizes in bytes and times in ns" },
  { 'f', "find", NULL, NULL, &options.find, SETUP,
    "make a device of -s SIZE and print its name" },
  { 'J', "json", NULL, NULL, &options.json, LIST | STAT | ESTIMATE,
    "print JSON" },
  { 'n', "noheadings", NULL, NULL, &options.noheadings,
    LIST | TOP | ESTIMATE, "print no headings" },
  { 'o', "output", "LIST", &options.output, NULL, LIST,
    "columns to print; +LIST adds to the defaults" },
  { OUTPUT_ALL, "output-all", NULL, NULL, &options.output_all, LIST,
    "print all columns" },
  { 'p', "algorithm-params", "PARAMS", &options.params, NULL, SETUP,
    "parameters of the codec, for example level=3" },
  { RAW, "raw", NULL, NULL, &options.raw, LIST | ESTIMATE,
    "one space between columns, - for empty cells" },
  { 'r', "reset", NULL, NULL, &options.reset, RESET,
    "forget all data on the devices named" },
  { FORCE, "force", NULL, NULL, &options.force,
    RESET | SWAPON | SWAPOFF | MOUNT,
    "proceed where the command would refuse" },
  { 's', "size", "SIZE", &options.size, NULL, SETUP,
    "size of the device, or its new size" },
  { 't', "streams", "NUMBER", &options.streams, NULL, SETUP,
    "does nothing; accepted because zramctl has it" },
  { 'u', "uri", "URI", &options.uri, NULL, ALL & ~ESTIMATE,
    "the server: an NBD URI or a socket's path" },
  { TIMEOUT, "timeout", "SECONDS", &options.timeout, NULL,
    ALL & ~ESTIMATE, "longest wait for each answer (10)" },
  { INTERVAL, "interval", "SECONDS", &options.interval, NULL, TOP,
    "time between two updates (1)" },
  { ONCE, "once", NULL, NULL, &options.once, TOP,
    "print the screen once, as text" },
  { PID, "pid", "PID", &options.pid, NULL, ESTIMATE,
    "look at the memory of this process" },
  { SAMPLE, "sample", "SIZE", &options.sample, NULL, ESTIMATE,
    "how much of the data to try, or \"all\" (32M)" },
  { PAGE_SIZE, "page-size", "LIST", &options.page_size, NULL, ESTIMATE,
    "page sizes to try (4K,16K,64K)" },
  { DEVICE, "device", "NBD", &options.device, NULL,
    ATTACH | SWAPON | MOUNT,
    "attach as this /dev/nbdN" },
  { CONNECTIONS, "connections", "N", &options.connections, NULL,
    ATTACH | SWAPON | MOUNT, "connections to the server (1)" },
  { NBD_TIMEOUT, "nbd-timeout", "SECONDS", &options.nbd_timeout, NULL,
    ATTACH | SWAPON | MOUNT, "fail kernel requests that take longer" },
  { PRIORITY, "priority", "N", &options.priority, NULL, SWAPON,
    "swap priority; higher is used first (100)" },
  { DISCARD, "discard", "WHEN", &options.discard, NULL, SWAPON,
    "discard once, pages, both or none (both)" },
  { TYPE, "type", "TYPE", &options.type, NULL, RECOMPRESS,
    "only pages that are idle, huge or huge_idle" },
  { THRESHOLD, "threshold", "SIZE", &options.threshold, NULL, RECOMPRESS,
    "only pages stored in this size or more" },
  { MAX_PAGES, "max-pages", "N", &options.max_pages, NULL, RECOMPRESS,
    "try no more pages than this" },
  { FS_TYPE, "fs-type", "TYPE", &options.fs_type, NULL, MOUNT,
    "file system to make (ext4)" },
  { MOUNT_POINT, "mount-point", "DIR", &options.mount_point, NULL, MOUNT,
    "where to mount the file system" },
  { MOUNT_OPTIONS, "mount-options", "LIST", &options.mount_options, NULL,
    MOUNT, "options for mount -o (discard)" },
  { CONFIG, "config", "FILE", &options.config, NULL, SWAPON | MOUNT | SERVE,
    "take parameters and options from this file" },
  { DRY_RUN, "dry-run", NULL, NULL, &options.dry_run,
    ATTACH | DETACH | SWAPON | SWAPOFF | MOUNT | UNMOUNT | SERVE,
    "print commands instead of running them" },
  { CHECK, "check", NULL, NULL, &options.check, SERVE,
    "check the --config and serve nothing" },
  { 'h', "help", NULL, NULL, &want_help, ALL, "print this help" },
  { 'V', "version", NULL, NULL, &want_version, ALL, "print the version" },
};
#define N_ROWS (sizeof rows / sizeof rows[0])

static void
main_help_commands (void)
{
  char left[64];
  size_t i;

  for (i = 0; i < N_COMMANDS; i++) {
    snprintf (left, sizeof left, "%s %s", commands[i].name,
              commands[i].arguments);
    printf ("  %-34s %s\n", left, commands[i].help);
  }
}

static void
main_help_options (void)
{
  char left[64];
  size_t i;

  for (i = 0; i < N_ROWS; i++) {
    snprintf (left, sizeof left, "--%s%s%s", rows[i].name,
              rows[i].argument ? " " : "",
              rows[i].argument ? rows[i].argument : "");
    if (rows[i].letter < 256)
      printf ("  -%c, %-27s %s\n", rows[i].letter, left, rows[i].help);
    else
      printf ("      %-27s %s\n", left, rows[i].help);
  }
}

static void
main_help (void)
{
  puts ("Usage:\n"
        "  " PROGRAM " [OPTIONS] [DEVICE...]\n"
        "  " PROGRAM " -f -s SIZE [-a ALG]\n"
        "  " PROGRAM " DEVICE [-s SIZE] [-a ALG]\n"
        "  " PROGRAM " -r DEVICE...\n"
        "  " PROGRAM " COMMAND [OPTIONS] [ARGUMENT...]\n"
        "\n"
        "Show and control the compressed RAM disks of an nbdkit zram server."
        "\n\n"
        "Commands:");
  main_help_commands ();
  puts ("\nOptions:");
  main_help_options ();
  puts ("\n"
        "A DEVICE is zram0, or /dev/nbd0 if it is attached.  A SIZE is for"
        " example\n"
        "512M, 1.5G or 2GiB, in units of 1024, or 2GB, in units of 1000.  An"
        " ALG may\n"
        "have a level, as in zstd:3.\n"
        "\n"
        "The server is -u URI, else $NBDZRAM_URI, else the first of these that"
        " exists:\n"
        "  $XDG_RUNTIME_DIR/nbdkit-zram/nbdkit.sock\n"
        "  /run/nbdkit-zram/nbdkit.sock\n"
        "  nbd://localhost\n"
        "\n"
        "Columns:");
  columns_help (stdout);
  puts ("\nExit status: 0 success, 1 failure, 2 the command line is wrong.\n"
        "The manual is " PROGRAM "(1).");
}

static int
main_hint (void)
{
  fputs ("Try '" PROGRAM " --help'.\n", stderr);
  return EXIT_USAGE;
}

/* Make getopt's tables from ours.  ':' comes first: errors are printed here.
 */
static void
main_getopt_tables (char letters[2 * N_ROWS + 2],
                    struct option longs[N_ROWS + 1])
{
  char *p = letters;
  size_t i;

  *p++ = ':';
  memset (longs, 0, (N_ROWS + 1) * sizeof *longs);
  for (i = 0; i < N_ROWS; i++) {
    if (rows[i].letter < 256) {
      *p++ = (char) rows[i].letter;
      if (rows[i].argument)
        *p++ = ':';
    }
    longs[i].name = rows[i].name;
    longs[i].has_arg = rows[i].argument ? required_argument : no_argument;
    longs[i].val = rows[i].letter;
  }
  *p = '\0';
}

static int
main_bad_option (int c, char **argv)
{
  const char *word = argv[optind - 1];
  bool is_long = strncmp (word, "--", 2) == 0;

  if (c == ':')
    complain ("%s needs a value", word);
  else if (optopt && optopt < 256 && !is_long)
    complain ("unknown option -%c", optopt);
  else
    complain ("unknown option %s", word);
  return main_hint ();
}

/* Find the row of an option.  N_ROWS: there is none. */
static size_t
main_find_row (int letter)
{
  size_t i;

  for (i = 0; i < N_ROWS; i++)
    if (rows[i].letter == letter)
      break;
  return i;
}

/* Fill in the options.  given[i] says whether row i was given.  Return an exit
 * status.
 */
static int
main_parse (int argc, char **argv, bool given[N_ROWS])
{
  char letters[2 * N_ROWS + 2];
  struct option longs[N_ROWS + 1];
  size_t i;
  int c;

  main_getopt_tables (letters, longs);
  opterr = 0;
  while ((c = getopt_long (argc, argv, letters, longs, NULL)) != -1) {
    i = main_find_row (c);
    if (i == N_ROWS)
      return main_bad_option (c, argv);
    given[i] = true;
    if (rows[i].text)
      *rows[i].text = optarg;
    else
      *rows[i].flag = true;
  }
  return EXIT_OK;
}

/* Find a command by its name.  NULL: there is none. */
static const struct command *
main_find_command (const char *word)
{
  size_t i;

  for (i = 0; word && i < N_COMMANDS; i++)
    if (strcmp (word, commands[i].name) == 0)
      return &commands[i];
  return NULL;
}

/* Choose what is done without a command. */
static const struct command *
main_choose (void)
{
  return options.reset ? &reset_row
    : options.find ? &find_row
    : options.size || options.algorithm || options.params || options.streams
    ? &setup_row
    : &list_row;
}

/* Check that each option is for this command, and the number of words.  Return
 * an exit status.
 */
static int
main_check (const struct command *c, const bool given[N_ROWS], int argc)
{
  size_t i;

  for (i = 0; i < N_ROWS; i++) {
    if (given[i] && !(rows[i].who & c->who)) {
      complain (c->name ? "--%s does not go with %s" : "--%s alone has no use",
                rows[i].name, c->name);
      return main_hint ();
    }
  }
  if (argc >= c->min && (c->max < 0 || argc <= c->max))
    return EXIT_OK;
  complain ("usage: " PROGRAM " %s %s", c->name, c->arguments);
  return main_hint ();
}

/* Check the first word where there is no command: it is a device, or a
 * misspelt command.  Return an exit status.
 */
static int
main_check_device (const char *word)
{
  static const char *const begins[] = { "zram", "nbd", "/dev/" };
  size_t i;

  for (i = 0; i < sizeof begins / sizeof begins[0]; i++)
    if (strncmp (word, begins[i], strlen (begins[i])) == 0)
      return EXIT_OK;
  complain ("%s: neither a command nor a device like zram0 or /dev/nbd0",
            word);
  return main_hint ();
}

static bool
main_is_set (const char *variable)
{
  const char *value = getenv (variable);

  return value && *value;
}

/* Return the URI of the server.  To be freed. */
static char *
main_find_server (void)
{
  if (options.uri)
    return must_copy (options.uri);
  return main_is_set ("NBDZRAM_URI") ? must_copy (getenv ("NBDZRAM_URI"))
                                : address_default ();
}

/* Run a command, with the words after its name, and see that its output is
 * written.  Return an exit status.
 */
static int
main_run (const struct command *c, int argc, char **argv)
{
  FREED char *uri = main_find_server ();
  int r;

  options.uri_given = options.uri || main_is_set ("NBDZRAM_URI");
  options.uri = uri;
  r = c->run (&options, argc, argv);
  if (fflush (stdout) == 0 || r != EXIT_OK)
    return r;
  complain ("cannot write the output");
  return EXIT_FAILED;
}

int
main (int argc, char **argv)
{
  bool given[N_ROWS] = { false };
  const struct command *named, *c;
  int r = main_parse (argc, argv, given);

  if (r != EXIT_OK)
    return r;
  argc -= optind;
  argv += optind;
  named = main_find_command (argv[0]);
  c = named ? named : main_choose ();
  if (want_version) {
    puts (PROGRAM " " PACKAGE_VERSION);
    return EXIT_OK;
  }
  if (want_help || !c->run) {
    main_help ();
    return EXIT_OK;
  }
  argc -= named != NULL;
  argv += named != NULL;
  r = main_check (c, given, argc);
  if (r == EXIT_OK && !named && argc)
    r = main_check_device (argv[0]);
  if (r != EXIT_OK)
    return r;
  if (timeout_parse (options.timeout) < 0)
    return usage ("%s", fault_text ());
  return main_run (c, argc, argv);
}
