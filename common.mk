# What every Makefile.am shares.
# SPDX-License-Identifier: BSD-3-Clause

# Lists stand one item a line and end in $(NULL), so that adding an item
# changes one line.
NULL =

AM_CPPFLAGS = \
	-I$(top_builddir) \
	-I$(top_srcdir)/lib \
	-I$(top_srcdir)/lib/os \
	-I$(top_srcdir)/lib/base \
	-I$(top_srcdir)/lib/codec \
	-I$(top_srcdir)/lib/store \
	-I$(top_srcdir)/lib/page \
	-I$(top_srcdir)/lib/upkeep \
	-I$(top_srcdir)/lib/disk \
	$(NULL)

# Hidden: what the plugin exports is nbdkit's entry point and nothing else.
AM_CFLAGS = \
	-pthread \
	-fvisibility=hidden \
	$(SHADOW_CFLAGS) \
	$(WARNINGS_CFLAGS) \
	$(SANITIZER_CFLAGS) \
	$(NULL)

AM_LDFLAGS = \
	-pthread \
	$(SHADOW_LDFLAGS) \
	$(NULL)

# What the tarball gets, for tests/test-dist.sh.
list-dist-local:
	@for f in $(DISTFILES) $(DIST_BY_HOOK); do \
	    case $$f in \
	        /*) echo "DIST $$f";; \
	        *) echo "DIST $(abs_builddir)/$$f";; \
	    esac; \
	done
