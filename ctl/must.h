/* nbdzramctl: memory that is there, or the tool ends.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef MUST_H
#define MUST_H

#include <stdarg.h>
#include <stddef.h>

/* Allocate as calloc, realloc, strdup and asprintf do, but never return NULL:
 * without memory the tool ends with a message.  To be freed.
 */
extern void *must_alloc (size_t n, size_t size);
extern void *must_resize (void *p, size_t size);
extern char *must_copy (const char *text);
extern char *must_printf (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));
extern char *must_format (const char *format, va_list args)
  __attribute__ ((format (printf, 1, 0)));

/* Add to the end of an allocated text, which may move. */
extern void must_append (char **text, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* Declare a text that is freed at the end of its block, or a variable for
 * which a function is called then, with its address.
 */
#define FREED FREED_BY (must_free)
#define FREED_BY(fn) __attribute__ ((cleanup (fn)))
extern void must_free (char **text);

#endif /* MUST_H */
