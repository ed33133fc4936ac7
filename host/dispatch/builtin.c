/* SPDX-License-Identifier: MIT
 * builtin: creel.fetch.
 */
#include "dispatch/builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "dispatch/registry.h"
#include "dispatch/runs.h"
#include "spool/fetched.h"

/* About a quarter of an hour for a confirmation, which is asked for once; the function itself gives up keys sooner. */
#define RETRY "\"retry\":{\"attempts\":10,\"base\":\"1s\",\"factor\":2,\"cap\":\"5m\"}"

bool builtin_is(struct span name)
{
    return span_eq_str(name, FETCH_TYPE);
}

int builtin_folder(const struct dispatch *d)
{
    return open(d->config->stock, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void look_for_file(struct dispatch *d)
{
    int fd = builtin_folder(d);
    if (fd < 0 || faccessat(fd, FETCH_TYPE ".so", R_OK, 0) != 0)
        log_line(LOG_ERROR, "the installed function " FETCH_TYPE " is not there: what it has to fetch is held",
                 LOG_T("folder", d->config->stock), LOG_T("why", strerror(errno)));
    if (fd >= 0)
        close(fd);
}

size_t builtin_route(struct dispatch *d, struct span type, struct span *name)
{
    if (!builtin_is(type))
        return 0;
    struct function *f = function_find(d, type);
    if (!f || !f->present) {
        look_for_file(d);
        registry_hint(d);
    }
    if (!f && !(f = function_get(d, type)))
        die(EXIT_SYSTEM, "out of memory for a function");
    *name = span_str(f->name);
    return 1;
}

void builtin_put_sidecar(const struct config *c, struct buf *b)
{
    buf_puts(b, "{" RETRY ",\"config\":{\"ca_file\":");
    buf_put_json_text(b, span_str(c->fetch_ca_file));
    buf_printf(b, ",\"private\":\"%s\",\"connect_to\":", c->fetch_private ? "yes" : "no");
    buf_put_json_text(b, span_str(c->fetch_connect_to));
    buf_puts(b, "}}");
}

enum err builtin_done(struct dispatch *d, const struct entry *e, struct span reply, struct why *w)
{
    struct line_event event;
    struct buf b;
    struct span url;
    enum fetch_purpose purpose;
    enum err err = run_event(d, e, &event, w);
    if (err != ERR_OK)
        return err;
    buf_init(&b, event.body.n + 1);
    if (fetch_get(event.body, &b, &url, &purpose) != ERR_OK)
        err = why_set(w, ERR_INVALID, "the event does not say what to fetch");
    else if (purpose == FETCH_KEYS && !reply.p)
        err = why_set(w, ERR_INVALID, "the function brought nothing");
    else if (purpose == FETCH_KEYS)
        err = fetched_write(d->spool_fd, event.source, url, reply, w);
    buf_fini(&b);
    return err;
}
