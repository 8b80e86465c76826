/* nbdkit-zram: what the unit tests share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TESTLIB_H
#define TESTLIB_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void __attribute__ ((format (printf, 1, 2), noreturn))
fail (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  fflush (stdout);
  fputs ("FAILED: ", stderr);
  vfprintf (stderr, format, args);
  fputc ('\n', stderr);
  va_end (args);
  abort ();
}

#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition))                                                   \
      fail ("%s:%d: %s", __FILE__, __LINE__, #condition);               \
  } while (0)

static inline uint64_t
env_number (const char *name, uint64_t otherwise)
{
  const char *s = getenv (name);

  return s ? strtoull (s, NULL, 0) : otherwise;
}

/* splitmix64 */
static inline uint64_t
rng_next (uint64_t *state)
{
  uint64_t z = *state += UINT64_C (0x9e3779b97f4a7c15);

  z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return z ^ z >> 31;
}

static inline uint64_t
rng_below (uint64_t *state, uint64_t n)
{
  return rng_next (state) % n;
}

static inline bool
is_zero (const unsigned char *p, uint64_t n)
{
  for (; n && (uintptr_t) p % 8; --n)
    if (*p++)
      return false;
  for (; n >= 8; n -= 8, p += 8)
    if (*(const uint64_t *) p)
      return false;
  for (; n; --n)
    if (*p++)
      return false;
  return true;
}

/* Bytes of many kinds: zero, one word, noise, text, machine code; changing
 * every page or so.
 */
static inline void
fill_buffer (uint64_t *rng, unsigned char *buf, uint64_t n)
{
  const unsigned char *code = (const unsigned char *) (uintptr_t) &fill_buffer;
  uint64_t i, k, chunk, word;

  for (i = 0; i < n; i += chunk) {
    chunk = 1 + rng_below (rng, 12288);
    if (rng_below (rng, 3) == 0)
      chunk = 4096 * (1 + rng_below (rng, 8));
    if (chunk > n - i)
      chunk = n - i;
    word = rng_next (rng);
    switch (word % 16) {
    case 0: case 1:
      memset (buf + i, 0, chunk);
      break;
    case 2:
      word &= 0xff00ff00ff;
      for (k = 0; k < chunk; ++k)
        buf[i + k] = (unsigned char) (word >> (i + k) % 8 * 8);
      break;
    case 3: case 4:
      for (k = 0; k < chunk; ++k)
        buf[i + k] = (unsigned char) rng_next (rng);
      break;
    case 5: case 6: case 7:
      for (k = 0; k < chunk; ++k)
        buf[i + k] = code[(word >> 8) % 64 + k % 2000];
      break;
    default:
      for (k = 0; k < chunk; ++k)
        buf[i + k] = (unsigned char)
          ("etaoin shrdlu\n"[(word >> k % 53) % 14] +
           (k % (word % 97 + 3) == 0));
      break;
    }
  }
}

#endif /* TESTLIB_H */
