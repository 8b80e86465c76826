/* Test of ctl/address.c, attached.c and machine.c: recognising a server, and
 * finding its devices in a made-up /sys, /proc and /etc.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib.h"

#include "../ctl/attached.h"
#include "../ctl/address.h"

/* --- Places ------------------------------------------------------------- */

static bool
same (const char *a, const char *b)
{
  return !a || !b ? a == b : strcmp (a, b) == 0;
}

static void
check_address (const char *what, struct address *p, const char *sock,
               const char *host, const char *port, const char *export)
{
  if (!same (p->socket, sock) || !same (p->host, host) ||
      !same (p->port, port) || !same (p->export, export))
    fail ("%s: socket %s, host %s, port %s, export %s", what, p->socket,
          p->host, p->port, p->export);
  address_free (p);
}

static void
test_uris (void)
{
  static const struct { const char *uri, *sock, *host, *port, *export; }
  good[] = {
    { "/run/x.sock", "/run/x.sock", NULL, NULL, "" },
    { "nbd://localhost", NULL, "localhost", "10809", "" },
    { "nbd://", NULL, "localhost", "10809", "" },
    { "NBD://h:7/", NULL, "h", "7", "" },
    { "nbds://user@h/zram1", NULL, "h", "10809", "zram1" },
    { "nbd://[::1]:9/zram1", NULL, "::1", "9", "zram1" },
    { "nbd://[::1]", NULL, "::1", "10809", "" },
    { "nbd://h/a%2fb%20c?x=y", NULL, "h", "10809", "a/b c" },
    { "nbd+unix:///?socket=/a/b", "/a/b", NULL, NULL, "" },
    { "nbd+unix:///zram3?x=1&socket=/a%20b", "/a b", NULL, NULL, "zram3" },
    { "nbds+unix:///e?socket=s&tls=1", "s", NULL, NULL, "e" },
    { "nbd://h/%", NULL, "h", "10809", "%" },
  };
  static const char *const bad[] = {
    "", "localhost", "http://h", "nbd:/h", "nbd", "nbd+unix:///",
    "nbd+unix:///?sock=/a", "nbd+vsock://1",
  };
  struct address p;
  size_t i;

  for (i = 0; i < sizeof good / sizeof good[0]; i++) {
    CHECK (address_of_uri (good[i].uri, &p) == 0);
    check_address (good[i].uri, &p, good[i].sock, good[i].host, good[i].port,
                   good[i].export);
  }
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    memset (&p, 0x55, sizeof p);
    if (address_of_uri (bad[i], &p) != -1)
      fail ("'%s' is taken for a URI", bad[i]);
    /* It can be freed all the same. */
    check_address (bad[i], &p, NULL, NULL, NULL, NULL);
  }
}

/* Words separated by spaces. */
static int
of_line (const char *line, const char *device, struct address *p)
{
  char copy[256], *argv[32], *save = NULL, *word;
  int argc = 0;

  snprintf (copy, sizeof copy, "%s", line);
  for (word = strtok_r (copy, " ", &save); word;
       word = strtok_r (NULL, " ", &save))
    argv[argc++] = word;
  return address_of_argv (argc, argv, device, p);
}

static void
test_command_lines (void)
{
  static const struct { const char *line, *sock, *host, *port, *export; }
  good[] = {
    { "nbd-client localhost /dev/nbd0", NULL, "localhost", "10809", "" },
    { "/sbin/nbd-client h 77 /dev/nbd0 -N zram1 -b 4096", NULL, "h", "77",
      "zram1" },
    { "nbd-client -b 4096 -name zram2 h /dev/nbd0 -persist", NULL, "h",
      "10809", "zram2" },
    { "nbd-client -unix /a/s /dev/nbd0 -N zram1", "/a/s", NULL, NULL,
      "zram1" },
    { "nbd-client -u /a/s -C 4 /dev/nbd0", "/a/s", NULL, NULL, "" },
    { "nbd-client --unix /a/s --connections 4 -swap /dev/nbd0", "/a/s",
      NULL, NULL, "" },
    { "@bd-client h /dev/nbd0 -systemd-mark", NULL, "h", "10809", "" },
    { "qemu-nbd -c /dev/nbd0 nbd://h/zram1", NULL, "h", "10809", "zram1" },
  };
  static const char *const bad[] = {
    "", "nbd-client", "nbd-client h", "nbd-client h /dev/nbd1",
    "nbd-client h /dev/nbd01", "nbd-client -d /dev/nbd0",
    "nbd-client h 7 /dev/nbd0 /dev/nbd1", "nbd-client h /dev/nbd0 -N",
    "nbd-client -c /dev/nbd0", "nbd-client nbd0", "vi h /dev/nbd0",
    "qemu-nbd -c /dev/nbd1 nbd://h/zram1", "qemu-nbd nbd://h/zram1",
    "qemu-nbd -c /dev/nbd0 disk.img",
  };
  struct address p;
  size_t i;

  for (i = 0; i < sizeof good / sizeof good[0]; i++) {
    if (of_line (good[i].line, "nbd0", &p) != 0)
      fail ("not understood: %s", good[i].line);
    check_address (good[i].line, &p, good[i].sock, good[i].host, good[i].port,
                   good[i].export);
  }
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (of_line (bad[i], "nbd0", &p) != -1)
      fail ("taken for a client of nbd0: %s", bad[i]);
}

static bool
same_server (const char *a, const char *b)
{
  struct address pa, pb;
  bool r;

  CHECK (address_of_uri (a, &pa) == 0 && address_of_uri (b, &pb) == 0);
  r = address_same_server (&pa, &pb);
  CHECK (r == address_same_server (&pb, &pa));
  address_free (&pa);
  address_free (&pb);
  return r;
}

static void
test_same_server (void)
{
  CHECK (same_server ("nbd://localhost", "nbd://127.0.0.1:10809/zram1"));
  CHECK (same_server ("nbd://[::1]", "nbd://127.0.0.1"));
  CHECK (same_server ("nbd://HOST", "nbds://host"));
  CHECK (!same_server ("nbd://localhost", "nbd://localhost:10810"));
  CHECK (!same_server ("nbd://localhost", "nbd://other"));
  CHECK (!same_server ("nbd://localhost", "/run/s"));
  CHECK (same_server ("/run/s", "nbd+unix:///zram1?socket=/run/s"));
  CHECK (!same_server ("/run/s", "/run/t"));
  /* Two names of one file. */
  CHECK (same_server ("/etc/passwd", "/etc/../etc/passwd"));
}

/* --- A machine ---------------------------------------------------------- */

static char root[] = "/tmp/zram-mounts.XXXXXX";

/* A file with its directories; zeroes in it are written \1. */
static void
make (const char *name, const char *text)
{
  char path[256], *slash;
  FILE *fp;

  snprintf (path, sizeof path, "%s%s", root, name);
  for (slash = strchr (path + 5, '/'); slash; slash = strchr (slash + 1, '/')) {
    *slash = '\0';
    CHECK (mkdir (path, 0755) == 0 || errno == EEXIST);
    *slash = '/';
  }
  fp = fopen (path, "w");
  CHECK (fp != NULL);
  for (; *text; text++)
    putc (*text == '\1' ? '\0' : *text, fp);
  CHECK (fclose (fp) == 0);
}

static int
remove_one (const char *path, const struct stat *st, int flag,
            struct FTW *ftw)
{
  (void) st;
  (void) flag;
  (void) ftw;
  return remove (path);
}

static void
attach (const char *device, const char *number, const char *pid)
{
  char name[64];

  snprintf (name, sizeof name, "/sys/block/%s/size", device);
  make (name, "2048\n");
  snprintf (name, sizeof name, "/sys/block/%s/dev", device);
  make (name, number);
  snprintf (name, sizeof name, "/sys/block/%s/pid", device);
  make (name, pid);
}

static void
make_machine (void)
{
  CHECK (mkdtemp (root) != NULL);
  /* nbd0: by its process, a file system. */
  attach ("nbd0", "43:0\n", "100\n");
  make ("/proc/100/cmdline",
        "nbd-client\1localhost\1/dev/nbd0\1-N\1zram0\1");
  /* nbd1: swap; the default export. */
  attach ("nbd1", "43:32\n", "101\n");
  make ("/proc/101/cmdline", "nbd-client\1" "127.0.0.1\1/dev/nbd1\1-swap\1");
  /* nbd2: the number is another process's now; nbdtab knows. */
  attach ("nbd2", "43:64\n", "102\n");
  make ("/proc/102/cmdline", "vi\1/dev/nbd2\1");
  make ("/etc/nbdtab", "# a comment nbd2 x y\nnbd7 localhost zram7\n"
        "nbd2\tlocalhost  zram2 bs=4096,port=10809 # and another\n");
  /* nbd3: the identifier is a URI; a partition of it is mounted. */
  attach ("nbd3", "43:96\n", "103\n");
  make ("/sys/block/nbd3/backend", "nbd://localhost/zram3\n");
  /* nbd4: another server. */
  attach ("nbd4", "43:128\n", "104\n");
  make ("/proc/104/cmdline", "nbd-client\1elsewhere\1/dev/nbd4\1");
  /* nbd5: nobody knows. */
  attach ("nbd5", "43:160\n", "105\n");
  /* nbd6: not attached, whatever its last process was. */
  make ("/sys/block/nbd6/size", "0\n");
  make ("/sys/block/nbd6/pid", "100\n");
  /* nbd7 has no pid; nbd10: only in mounts as btrfs shows it. */
  make ("/sys/block/nbd7/size", "8\n");
  attach ("nbd10", "43:320\n", "110\n");
  make ("/proc/110/cmdline", "nbd-client\1::1\1/dev/nbd10\1-N\1zram10\1");
  /* No device of ours, and its mounts are nobody's. */
  make ("/sys/block/vda/size", "8\n");
  make ("/proc/self/mountinfo",
        "22 1 253:0 / / rw shared:1 - ext4 /dev/vda rw\n"
        "cut off\n"
        "30 22 43:0 / /mnt/with\\040space rw shared:2 - ext4 /dev/root rw\n"
        "31 22 43:0 / /second rw - ext4 /dev/nbd0 rw\n"
        "32 22 259:1 / /part rw - ext4 /dev/nbd3p1 rw\n"
        "33 22 0:40 / /btrfs rw - btrfs /dev/nbd10 rw\n"
        "34 22 43:999 / /no rw - ext4 /dev/nbd100 rw\n");
  make ("/proc/swaps", "Filename\t\tType\t\tSize\tUsed\tPriority\n"
        "/dev/nbd1                 partition\t1\t0\t-2\n");
}

static void
check_attached (const struct attached *a, const char *device,
                const char *export, const char *mountpoint)
{
  CHECK (a != NULL);
  if (!same (a->device, device) || !same (a->export, export) ||
      !same (a->mountpoint, mountpoint))
    fail ("%s has %s, at %s; not %s, %s, %s", a->device, a->export,
          a->mountpoint ? a->mountpoint : "none", device, export,
          mountpoint ? mountpoint : "none");
}

static void
test_machine (void)
{
  struct attached *list;
  const struct attached *a;
  struct address p;

  CHECK (address_of_uri ("nbd://localhost", &p) == 0);
  list = attached_list (root, &p);
  a = list;
  check_attached (a, "nbd0", "zram0", "/mnt/with space");
  check_attached (a = a->next, "nbd1", "zram0", "[SWAP]");
  check_attached (a = a->next, "nbd2", "zram2", NULL);
  check_attached (a = a->next, "nbd3", "zram3", "/part");
  check_attached (a = a->next, "nbd10", "zram10", "/btrfs");
  CHECK (a->next == NULL);
  check_attached (attached_by_export (list, "zram2"), "nbd2", "zram2", NULL);
  check_attached (attached_by_device (list, "nbd10"), "nbd10", "zram10",
                  "/btrfs");
  CHECK (!attached_by_export (list, "zram1"));
  CHECK (!attached_by_device (list, "nbd4"));
  CHECK (!attached_by_device (list, "nbd5"));
  attached_free (list);
  address_free (&p);

  CHECK (address_of_uri ("nbd://elsewhere", &p) == 0);
  list = attached_list (root, &p);
  check_attached (list, "nbd4", "zram0", NULL);
  CHECK (list->next == NULL);
  attached_free (list);
  /* A machine without any of these files. */
  CHECK (attached_list ("/nonexistent", &p) == NULL);
  address_free (&p);
}

int
main (void)
{
  test_uris ();
  test_command_lines ();
  test_same_server ();
  make_machine ();
  test_machine ();
  CHECK (nftw (root, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
  return 0;
}
