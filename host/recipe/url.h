/* SPDX-License-Identifier: MIT
 * url: an absolute URL taken apart where it lies (RFC 3986 section 3), and whether this host may fetch it. Owns
 * nothing. Any thread.
 */
#ifndef CREEL_RECIPE_URL_H
#define CREEL_RECIPE_URL_H

#include "base/span.h"

/* Parts of the text, without the signs between them; SPAN_NONE: that part and its sign are not there. host keeps the
 * brackets of an IPv6 address; path is "" or begins with '/'. */
struct url {
    struct span scheme, userinfo, host, port, path, query, fragment;
};
/* False unless it is scheme "://" [userinfo "@"] host [":" port] and so on, with a host of letters, digits, '.', '-', '_'
 * or an address in brackets, and a port of digits or empty. What follows the host may be any bytes. */
bool url_split(struct span text, struct url *out);

/* Is host one of the patterns? Case does not matter; a '*' stands for one label or a part of it, never for a dot
 * ("*.example.com", "sns.eu-*.amazonaws.com"); one in a label. A
 * pattern may name a port behind a ':', which is not looked at here. */
bool url_host_listed(struct span host, const char *const *patterns, size_t n);

enum { URL_FETCHABLE_BYTES = 2048 };
/* May text be fetched: https, a listed host at the pattern's port (443 where it names none), no userinfo, no fragment, printable
 * ASCII without '\', at most URL_FETCHABLE_BYTES. False with *problem, static words for a message ("its host is not on the list"). */
bool url_fetchable(struct span text, const char *const *hosts, size_t n, const char **problem);

#endif
