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

/* Return the byte that %NN stands for, before end.  -1: it is no %NN. */
static int
address_escaped (const char *s, const char *end)
{
  int high, low;

  if (*s != '%' || end - s < 3)
    return -1;
  high = address_hex ((unsigned char) s[1]);
  low = address_hex ((unsigned char) s[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decode %NN in the bytes up to end.  To be freed. */
static char *
address_decode (const char *s, const char *end)
{
  char *text = must_alloc ((size_t) (end - s), 1), *p = text;
  int c;

  for (; s < end; s++) {
    c = address_escaped (s, end);
    *p++ = c < 0 ? *s : (char) c;
    s += c < 0 ? 0 : 2;
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

/* Find a character before end.  Return end if it is not there. */
static const char *
address_find (const char *s, int c, const char *end)
{
  const char *at = memchr (s, c, (size_t) (end - s));

  return at ? at : end;
}

/* Split [USER@]HOST[:PORT], where HOST may be [ADDRESS]. */
static void
address_split_host (const char *s, const char *end, char **host, char **port)
{
  const char *at = address_find (s, '@', end), *stop;
  bool bracket;

  s = at < end ? at + 1 : s;
  bracket = s < end && *s == '[';
  s += bracket;
  stop = address_find (s, bracket ? ']' : ':', end);
  *host = address_decode (s, stop);
  stop += bracket && stop < end;
  *port = stop < end && *stop == ':' ? address_decode (stop + 1, end)
                                     : must_copy ("");
}

static const struct scheme {
  const char *begins;
  bool local;
} schemes[] = {
  { "nbd://", false }, { "nbds://", false },
  { "nbd+unix://", true }, { "nbds+unix://", true },
};
#define N_SCHEMES (sizeof schemes / sizeof schemes[0])

static const struct scheme *
address_scheme (const char *uri)
{
  size_t i;

  for (i = 0; i < N_SCHEMES; i++)
    if (strncasecmp (uri, schemes[i].begins, strlen (schemes[i].begins)) == 0)
      return &schemes[i];
  return NULL;
}

int
address_of_uri (const char *uri, struct address *p)
{
  const struct scheme *scheme = address_scheme (uri);
  FREED char *host = NULL, *port = NULL, *sock = NULL, *export = NULL;
  const char *begin, *path, *query;

  memset (p, 0, sizeof *p);
  if (*uri == '/')
    return address_set (p, uri, NULL, NULL, NULL);
  if (!scheme)
    return -1;
  sock = scheme->local ? address_query (uri, "socket") : NULL;
  if (scheme->local && !sock)
    return -1;
  begin = uri + strlen (scheme->begins);
  path = begin + strcspn (begin, "/?#");
  query = path + strcspn (path, "?#");
  address_split_host (begin, path, &host, &port);
  export = address_decode (path + (*path == '/'), query);
  return address_set (p, sock, host, port, export);
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

/* Say whether a program is nbd-client.  -systemd-mark replaces the first
 * letter by @.
 */
static bool
address_is_client (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *program = slash ? slash + 1 : path;

  return strcmp (program, "nbd-client") == 0 ||
         strcmp (program, "@bd-client") == 0;
}

/* The words of an nbd-client that are of interest. */
struct client_line {
  const char *word[3];          /* no options, nor their values */
  int n;                        /* there may be more of them */
  const char *sock, *export;
};

/* Read the option at argv[*i], and skip its value.  -1: with it nothing is
 * attached, or its value is missing.
 */
static int
address_read_option (int argc, char *const *argv, int *i,
                     struct client_line *line)
{
  const struct client_option *o = address_client_option (argv[*i]);

  if (!o)
    return 0;
  if (o->what == 'd' || (o->has_value && ++*i == argc))
    return -1;
  if (o->what == 'u')
    line->sock = argv[*i];
  else if (o->what == 'N')
    line->export = argv[*i];
  return 0;
}

static int
address_read_client (int argc, char *const *argv, struct client_line *line)
{
  int i;

  memset (line, 0, sizeof *line);
  for (i = 1; i < argc; i++) {
    if (argv[i][0] != '-') {
      if (line->n < 3)
        line->word[line->n] = argv[i];
      line->n++;
    }
    else if (address_read_option (argc, argv, &i, line) < 0)
      return -1;
  }
  return 0;
}

/* Read nbd-client HOST [PORT] DEVICE or -unix PATH DEVICE, with options
 * anywhere.  In older versions "-unix" is a flag and the path the first word,
 * which gives the same.
 */
static int
address_of_client (int argc, char *const *argv, const char *device,
                   struct address *p)
{
  struct client_line line;
  int n;

  if (address_read_client (argc, argv, &line) < 0)
    return -1;
  n = line.n;
  if (n < 1 || n > 3 || !address_names_device (line.word[n - 1], device))
    return -1;
  if (line.sock)
    return n == 1 ? address_set (p, line.sock, NULL, NULL, line.export) : -1;
  return n == 1 ? -1 : address_set (p, NULL, line.word[0],
                                    n == 3 ? line.word[1] : NULL, line.export);
}

static bool
address_is_named (int argc, char *const *argv, const char *device)
{
  int i;

  for (i = 1; i < argc; i++)
    if (address_names_device (argv[i], device))
      return true;
  return false;
}

/* Read the first word that is a URI, of qemu-nbd -c /dev/nbd0
 * nbd://localhost/zram0 and others alike.
 */
static int
address_of_words (int argc, char *const *argv, struct address *p)
{
  int i, r = -1;

  for (i = 1; i < argc && r < 0; i++)
    if (strncasecmp (argv[i], "nbd", 3) == 0)
      r = address_of_uri (argv[i], p);
  return r;
}

int
address_of_argv (int argc, char *const *argv, const char *device,
                 struct address *p)
{
  if (argc > 1 && address_is_client (argv[0]) &&
      address_of_client (argc, argv, device, p) == 0)
    return 0;
  return address_is_named (argc, argv, device)
    ? address_of_words (argc, argv, p) : -1;
}

int
address_of_nbdtab (const char *host, const char *export, const char *options,
                   struct address *p)
{
  const char *o = options ? options : "";
  FREED char *port = NULL;
  bool local = *host == '/';

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
  return address_set (p, local ? host : NULL, host, port, export);
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
  FREED char *open_dir = NULL;
  struct stat st;
  uid_t uid;

  if (stat (dir, &st) < 0 || st.st_uid != geteuid () ||
      !address_is_socket (path))
    return false;
  if (geteuid () != 0)
    return true;
  open_dir = path_find_open_directory (path);
  return !open_dir && !path_find_stranger (path, &uid);
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
