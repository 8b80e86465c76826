/* nbdzramctl: where a server is, and which export of it is meant.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Used to recognise a server that is named in different ways; connecting
 * is libnbd's business.
 */

#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "message.h"
#include "must.h"
#include "path-trust.h"

#define NBD_PORT "10809"

void
address_free (struct address *p)
{
  free (p->socket);
  free (p->host);
  free (p->port);
  free (p->export);
  memset (p, 0, sizeof *p);
}

static int
address_set (struct address *p, const char *sock, const char *host,
             const char *port, const char *export)
{
  memset (p, 0, sizeof *p);
  if (sock) {
    p->socket = must_copy (sock);
  }
  else {
    p->host = must_copy (host && *host ? host : "localhost");
    p->port = must_copy (port && *port ? port : NBD_PORT);
  }
  p->export = must_copy (export ? export : "");
  return 0;
}

/* --- URIs --------------------------------------------------------------- */

static int
address_hex (int c)
{
  return isdigit (c) ? c - '0' : isxdigit (c) ? tolower (c) - 'a' + 10 : -1;
}

/* Decode %NN in the bytes up to end.  To be freed. */
static char *
address_decode (const char *s, const char *end)
{
  char *text = must_alloc ((size_t) (end - s), 1), *p = text;

  for (; s < end; s++) {
    if (*s == '%' && end - s > 2 && address_hex ((unsigned char) s[1]) >= 0 &&
        address_hex ((unsigned char) s[2]) >= 0) {
      *p++ = (char) (address_hex ((unsigned char) s[1]) * 16 +
                     address_hex ((unsigned char) s[2]));
      s += 2;
    }
    else
      *p++ = *s;
  }
  *p = '\0';
  return text;
}

char *
address_query (const char *uri, const char *key)
{
  const char *query = uri + strcspn (uri, "?#");
  size_t length = strlen (key);

  query += *query == '?';
  while (*query) {
    size_t n = strcspn (query, "&;#");

    if (strncmp (query, key, length) == 0 && query[length] == '=')
      return address_decode (query + length + 1, query + n);
    query += n;
    if (*query == '#')
      break;
    query += *query != '\0';
  }
  return NULL;
}

/* Split [USER@]HOST[:PORT], where HOST may be [ADDRESS]. */
static void
address_split_host (const char *s, const char *end, char **host, char **port)
{
  const char *at = memchr (s, '@', (size_t) (end - s)), *stop, *colon;

  if (at)
    s = at + 1;
  if (s < end && *s == '[') {
    stop = memchr (s, ']', (size_t) (end - s));
    stop = stop ? stop : end;
    *host = address_decode (s + 1, stop);
    colon = stop < end ? stop + 1 : end;
  }
  else {
    colon = memchr (s, ':', (size_t) (end - s));
    colon = colon ? colon : end;
    *host = address_decode (s, colon);
  }
  *port = colon < end && *colon == ':' ? address_decode (colon + 1, end)
                                       : must_copy ("");
}

int
address_of_uri (const char *uri, struct address *p)
{
  static const struct { const char *scheme; bool local; } schemes[] = {
    { "nbd://", false }, { "nbds://", false },
    { "nbd+unix://", true }, { "nbds+unix://", true },
  };
  const char *rest = NULL, *path, *query;
  char *host, *port, *sock = NULL, *export;
  bool local = false;
  size_t i;

  memset (p, 0, sizeof *p);
  if (*uri == '/')
    return address_set (p, uri, NULL, NULL, NULL);
  for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    size_t n = strlen (schemes[i].scheme);

    if (strncasecmp (uri, schemes[i].scheme, n) == 0) {
      rest = uri + n;
      local = schemes[i].local;
    }
  }
  if (!rest)
    return -1;
  path = rest + strcspn (rest, "/?#");
  query = path + strcspn (path, "?#");
  address_split_host (rest, path, &host, &port);
  sock = address_query (uri, "socket");
  export = address_decode (path + (*path == '/'), query);
  i = local && !sock ? 1 : 0;
  if (!i)
    address_set (p, local ? sock : NULL, host, port, export);
  free (host);
  free (port);
  free (sock);
  free (export);
  return i ? -1 : 0;
}

/* The path of a socket may be relative, or a link. */
int
address_of_server (const char *uri, struct address *p)
{
  char *path = strstr (uri, "://") ? NULL : realpath (uri, NULL);
  int r = address_of_uri (path ? path : uri, p);

  free (path);
  if (r < 0)
    return fault ("%s: neither an NBD URI nor the path of a socket", uri);
  path = p->socket ? realpath (p->socket, NULL) : NULL;
  if (path) {
    free (p->socket);
    p->socket = path;
  }
  return 0;
}

/* --- Command lines ------------------------------------------------------ */

/* nbd-client's options, with one dash or two.  Those that are not here have no
 * value, or are of no interest.
 */
static const struct client_option {
  const char *name;
  bool has_value;
  char what;                    /* u: socket, N: export, d: detaches */
} client_options[] = {
  { "u", true, 'u' }, { "unix", true, 'u' },
  { "N", true, 'N' }, { "name", true, 'N' },
  { "d", false, 'd' }, { "disconnect", false, 'd' },
  { "c", false, 'd' }, { "check", false, 'd' },
  { "l", false, 'd' }, { "list", false, 'd' },
  { "b", true, 0 }, { "block-size", true, 0 },
  { "C", true, 0 }, { "connections", true, 0 },
  { "t", true, 0 }, { "timeout", true, 0 },
  { "B", true, 0 }, { "size", true, 0 },
  { "A", true, 0 }, { "cacertfile", true, 0 },
  { "F", true, 0 }, { "certfile", true, 0 },
  { "K", true, 0 }, { "keyfile", true, 0 },
  { "H", true, 0 }, { "tlshostname", true, 0 },
  { "y", true, 0 }, { "priority", true, 0 },
  { "i", true, 0 }, { "identifier", true, 0 },
};

static const struct client_option *
address_client_option (const char *name)
{
  size_t i, n = sizeof client_options / sizeof client_options[0];

  name += strspn (name, "-");
  for (i = 0; i < n; i++)
    if (strcmp (client_options[i].name, name) == 0)
      return &client_options[i];
  return NULL;
}

static bool
address_names_device (const char *arg, const char *device)
{
  return strncmp (arg, "/dev/", 5) == 0 && strcmp (arg + 5, device) == 0;
}

static const char *
address_program (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash ? slash + 1 : path;
}

/* Read nbd-client HOST [PORT] DEVICE or -unix PATH DEVICE, with options
 * anywhere.  In older versions "-unix" is a flag and the path the first word,
 * which gives the same.
 */
static int
address_of_client (int argc, char *const *argv, const char *device,
                   struct address *p)
{
  const char *words[3] = { NULL, NULL, NULL };
  const char *sock = NULL, *export = NULL;
  int i, n = 0;

  for (i = 1; i < argc; i++) {
    const struct client_option *o;

    if (argv[i][0] != '-') {
      if (n < 3)
        words[n] = argv[i];
      n++;
      continue;
    }
    o = address_client_option (argv[i]);
    if (!o)
      continue;
    if (o->what == 'd' || (o->has_value && ++i == argc))
      return -1;
    if (o->what == 'u')
      sock = argv[i];
    else if (o->what == 'N')
      export = argv[i];
  }
  if (sock)
    return n == 1 && address_names_device (words[0], device)
      ? address_set (p, sock, NULL, NULL, export) : -1;
  if (n == 2 && address_names_device (words[1], device))
    return address_set (p, NULL, words[0], NULL, export);
  if (n == 3 && address_names_device (words[2], device))
    return address_set (p, NULL, words[0], words[1], export);
  return -1;
}

int
address_of_argv (int argc, char *const *argv, const char *device,
                 struct address *p)
{
  const char *program;
  int i, r = -1;
  bool device_seen = false;

  if (argc < 2)
    return -1;
  /* -systemd-mark replaces the first letter by @. */
  program = address_program (argv[0]);
  if (strcmp (program, "nbd-client") == 0 ||
      strcmp (program, "@bd-client") == 0)
    r = address_of_client (argc, argv, device, p);
  if (r == 0)
    return 0;
  /* qemu-nbd -c /dev/nbd0 nbd://localhost/zram0, and others alike. */
  for (i = 1; i < argc; i++)
    device_seen |= address_names_device (argv[i], device);
  for (i = 1; i < argc && device_seen && r < 0; i++)
    if (strncasecmp (argv[i], "nbd", 3) == 0)
      r = address_of_uri (argv[i], p);
  return r;
}

int
address_of_nbdtab (const char *host, const char *export, const char *options,
                   struct address *p)
{
  const char *o = options ? options : "";
  char *port = NULL;
  bool local = *host == '/';
  int r;

  while (*o) {
    size_t n = strcspn (o, ",");

    if (strncmp (o, "port=", 5) == 0) {
      free (port);
      port = address_decode (o + 5, o + n);
    }
    if (n == 4 && strncmp (o, "unix", 4) == 0)
      local = true;
    o += n;
    o += *o == ',';
  }
  r = address_set (p, local ? host : NULL, host, port, export);
  free (port);
  return r;
}

/* --- Comparing ---------------------------------------------------------- */

static bool
address_is_local (const char *host)
{
  return strcasecmp (host, "localhost") == 0 ||
         strncmp (host, "127.", 4) == 0 || strcmp (host, "::1") == 0;
}

static bool
address_same_file (const char *a, const char *b)
{
  struct stat sa, sb;

  if (strcmp (a, b) == 0)
    return true;
  return stat (a, &sa) == 0 && stat (b, &sb) == 0 &&
         sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

bool
address_same_server (const struct address *a, const struct address *b)
{
  if (!a->socket != !b->socket)
    return false;
  if (a->socket)
    return address_same_file (a->socket, b->socket);
  return strcmp (a->port, b->port) == 0 &&
         (strcasecmp (a->host, b->host) == 0 ||
          (address_is_local (a->host) && address_is_local (b->host)));
}

/* --- The default -------------------------------------------------------- */

static bool
address_is_socket (const char *path)
{
  struct stat st;

  return stat (path, &st) == 0 && S_ISSOCK (st.st_mode);
}

/* Say whether the socket in XDG_RUNTIME_DIR is there and nobody else's.  After
 * su the directory is often still another user's.
 */
static bool
address_is_own (const char *dir, const char *path)
{
  struct stat st;
  char *open_dir;
  bool own;
  uid_t uid;

  if (stat (dir, &st) < 0 || st.st_uid != geteuid () ||
      !address_is_socket (path))
    return false;
  if (geteuid () != 0)
    return true;
  open_dir = path_find_open_directory (path);
  own = !open_dir && !path_find_stranger (path, &uid);
  free (open_dir);
  return own;
}

char *
address_default (void)
{
  const char *dir = getenv ("XDG_RUNTIME_DIR");
  char *path;

  if (dir && *dir == '/') {
    path = must_printf ("%s/" SOCKET_NAME, dir);
    if (address_is_own (dir, path))
      return path;
    free (path);
  }
  if (address_is_socket (ADDRESS_SOCKET))
    return must_copy (ADDRESS_SOCKET);
  return must_copy (ADDRESS_LAST);
}
