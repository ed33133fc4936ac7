/* SPDX-License-Identifier: MIT
 * fuzz url: any bytes as a URL. Its parts, put together, are the text; what may be fetched has a host that is on the
 * list, whoever looks.
 */
#include "fuzz.h"
#include "recipe/url.h"

const char fuzz_name[] = "url";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/url", NULL},
    {NULL, NULL},
};

static const char *const hosts[] = {"sns.*.amazonaws.com", "api.example.test", "*.vault.azure.net"};
enum { N_HOSTS = sizeof hosts / sizeof *hosts };

static void put_part(struct buf *b, const char *before, struct span part, const char *behind)
{
    if (!part.p)
        return;
    buf_puts(b, before);
    buf_put_span(b, part);
    buf_puts(b, behind);
}

static void hold_together(const struct url *u, struct span text)
{
    struct buf b;
    buf_init(&b, text.n + 1);
    put_part(&b, "", u->scheme, "://");
    put_part(&b, "", u->userinfo, "@");
    put_part(&b, "", u->host, "");
    put_part(&b, ":", u->port, "");
    put_part(&b, "", u->path, "");
    put_part(&b, "?", u->query, "");
    put_part(&b, "#", u->fragment, "");
    bug_if(b.failed || !span_eq(buf_span(&b), text));
    buf_fini(&b);
}

/* The same question, asked of the text itself: "https://", then a host as listed, then the end of the authority. */
static bool listed(struct span text)
{
    for (size_t i = 0; i < N_HOSTS; i++) {
        struct span rest = span_skip(text, 8);
        const char *pattern = hosts[i];
        for (; *pattern && rest.n > 0; pattern++) {
            size_t label = 0;
            while (*pattern == '*' && label < rest.n && rest.p[label] != '.' && rest.p[label] != '/')
                label++;
            if (*pattern == '*' ? label == 0 : strncasecmp(rest.p, pattern, 1) != 0)
                break;
            rest = span_skip(rest, *pattern == '*' ? label : 1);
        }
        if (!*pattern && (rest.n == 0 || strchr("/?:", rest.p[0])))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n);
    const char *problem = NULL;
    struct url u;
    bool split = url_split(text, &u), may = url_fetchable(text, hosts, N_HOSTS, &problem);
    bug_if(!may && !problem);
    if (split) {
        hold_together(&u, text);
        bug_if(u.host.n == 0);
    }
    if (may) {
        bug_if(!split || !url_host_listed(u.host, hosts, N_HOSTS));
        bug_if(n < 8 || strncasecmp(text.p, "https://", 8) != 0 || !listed(text));
        bug_if(memchr(text.p, '@', n) && memchr(text.p, '@', n) < (const void *)(u.host.p + u.host.n));
        bug_if(memchr(text.p, '#', n) || memchr(text.p, '\\', n) || memchr(text.p, ' ', n) || memchr(text.p, '\n', n));
        bug_if(u.port.p && !span_eq_str(u.port, "443"));
    }
    return 0;
}
