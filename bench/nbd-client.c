/* nbdkit-zram: as much of an NBD client as a load generator needs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The handshake, with blocking calls, and the layout of requests and
 * replies.  Moving them is the caller's work.
 */

#include <config.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nbd-client.h"
#include "support.h"

#define MAGIC_SERVER UINT64_C (0x4e42444d41474943)      /* NBDMAGIC */
#define MAGIC_OPTION UINT64_C (0x49484156454f5054)      /* IHAVEOPT */
#define MAGIC_ANSWER UINT64_C (0x0003e889045565a9)
#define MAGIC_REQUEST UINT32_C (0x25609513)
#define MAGIC_REPLY UINT32_C (0x67446698)

#define FLAG_FIXED_NEWSTYLE 1
#define FLAG_NO_ZEROES 2
#define OPTION_GO 7
#define ANSWER_ACK 1
#define ANSWER_INFO 3
#define INFO_EXPORT 0

#define EXPORT_NAME_MAX 4096
#define ANSWER_MAX 65536

int
nbd_parse_uri (const char *uri, struct nbd_address *address)
{
  static const char unix_scheme[] = "nbd+unix://", scheme[] = "nbd://";
  char *rest, *end;

  memset (address, 0, sizeof *address);
  if (strncmp (uri, unix_scheme, strlen (unix_scheme)) == 0) {
    rest = strdup (uri + strlen (unix_scheme));
    if (!rest || (end = strstr (rest, "?socket=")) == NULL)
      return -1;
    *end = '\0';
    address->export = *rest == '/' ? rest + 1 : rest;
    address->path = end + strlen ("?socket=");
    return 0;
  }
  if (strncmp (uri, scheme, strlen (scheme)) != 0)
    return -1;
  rest = strdup (uri + strlen (scheme));
  if (!rest)
    return -1;
  end = strchr (rest, '/');
  if (end)
    *end++ = '\0';
  address->export = end ? end : "";
  address->host = rest;
  end = strrchr (rest, ':');
  if (end)
    *end++ = '\0';
  address->port = end ? end : "10809";
  return 0;
}

static int
nbd_connect_unix (const char *path)
{
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (strlen (path) >= sizeof a.sun_path)
    die ("the path of the socket is too long: %s", path);
  strcpy (a.sun_path, path);
  if (fd == -1 || connect (fd, (struct sockaddr *) &a, sizeof a) == -1)
    die ("%s: %s", path, strerror (errno));
  return fd;
}

static int
nbd_connect_tcp (const char *host, const char *port)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
  int fd = -1, one = 1, r = getaddrinfo (host, port, &hints, &list);

  if (r != 0)
    die ("%s:%s: %s", host, port, gai_strerror (r));
  for (a = list; a; a = a->ai_next) {
    fd = socket (a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
    if (fd != -1 && connect (fd, a->ai_addr, a->ai_addrlen) == 0)
      break;
    if (fd != -1)
      close (fd);
    fd = -1;
  }
  freeaddrinfo (list);
  if (fd == -1)
    die ("%s:%s: %s", host, port, strerror (errno));
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void
nbd_get (int fd, void *buf, size_t len)
{
  /* recv waits for something even when asked for nothing. */
  if (len > 0 && recv (fd, buf, len, MSG_WAITALL) != (ssize_t) len)
    die ("the server ended the handshake");
}

static void
nbd_put (int fd, const void *buf, size_t len)
{
  if (send (fd, buf, len, MSG_NOSIGNAL) != (ssize_t) len)
    die ("the server ended the handshake");
}

static void
nbd_send_go (int fd, const char *export)
{
  struct {
    uint64_t magic;
    uint32_t option, length, name_length;
  } __attribute__ ((packed)) head;
  const uint32_t n = strlen (export);
  const uint16_t no_queries = 0;

  if (n > EXPORT_NAME_MAX)
    die ("the name of the export is too long");
  head.magic = htobe64 (MAGIC_OPTION);
  head.option = htobe32 (OPTION_GO);
  head.length = htobe32 (n + 6);
  head.name_length = htobe32 (n);
  nbd_put (fd, &head, sizeof head);
  nbd_put (fd, export, n);
  nbd_put (fd, &no_queries, sizeof no_queries);
}

/* Receive one answer to GO.  Non-zero: there are more to come. */
static int
nbd_receive_answer (int fd, const char *export, uint64_t *size)
{
  struct {
    uint64_t magic;
    uint32_t option, type, length;
  } __attribute__ ((packed)) head;
  char data[ANSWER_MAX];
  uint32_t type, length;
  uint16_t info;

  nbd_get (fd, &head, sizeof head);
  type = be32toh (head.type);
  length = be32toh (head.length);
  if (be64toh (head.magic) != MAGIC_ANSWER || length > sizeof data)
    die ("the server does not speak NBD");
  nbd_get (fd, data, length);
  if (type != ANSWER_ACK && type != ANSWER_INFO)
    die ("the server refuses the export \"%s\": %.*s", export,
         (int) length, data);
  if (type == ANSWER_INFO && length >= 10) {
    memcpy (&info, data, sizeof info);
    if (be16toh (info) == INFO_EXPORT) {
      memcpy (size, data + 2, sizeof *size);
      *size = be64toh (*size);
    }
  }
  return type != ANSWER_ACK;
}

int
nbd_connect (const struct nbd_address *address, uint64_t *size)
{
  struct {
    uint64_t server, option;
    uint16_t flags;
  } __attribute__ ((packed)) hello;
  const uint32_t flags = htobe32 (FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES);
  int fd = address->path ? nbd_connect_unix (address->path)
                         : nbd_connect_tcp (address->host, address->port);

  nbd_get (fd, &hello, sizeof hello);
  if (be64toh (hello.server) != MAGIC_SERVER ||
      be64toh (hello.option) != MAGIC_OPTION ||
      !(be16toh (hello.flags) & FLAG_FIXED_NEWSTYLE))
    die ("the server does not speak fixed newstyle NBD");
  nbd_put (fd, &flags, sizeof flags);
  nbd_send_go (fd, address->export);
  *size = 0;
  while (nbd_receive_answer (fd, address->export, size))
    ;
  if (fcntl (fd, F_SETFL, O_NONBLOCK) == -1)
    die ("fcntl: %s", strerror (errno));
  return fd;
}

void
nbd_encode (struct nbd_request *request, enum nbd_command command,
            uint64_t cookie, uint64_t offset, uint32_t count)
{
  request->magic = htobe32 (MAGIC_REQUEST);
  request->flags = 0;
  request->command = htobe16 (command);
  request->cookie = htobe64 (cookie);
  request->offset = htobe64 (offset);
  request->count = htobe32 (count);
}

int
nbd_decode (const struct nbd_reply *reply, uint32_t *error, uint64_t *cookie)
{
  *error = be32toh (reply->error);
  *cookie = be64toh (reply->cookie);
  return be32toh (reply->magic) == MAGIC_REPLY ? 0 : -1;
}
