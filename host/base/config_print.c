/* SPDX-License-Identifier: MIT
 * config_print: a configuration as JSON again: for people (creeld -T) with secrets masked, and for the roles as a
 * sealed snapshot that config_from_snapshot reads. Any process; changes nothing.
 */
#include "base/config_parts.h"

#include "base/fs.h"
#include "base/units.h"

/* JSON being written, two spaces a level. */
struct out {
    struct buf *b;
    unsigned depth;
    bool first;  /* nothing in this container yet */
    bool masked; /* secrets as "…" */
};

enum { SNAPSHOT_BYTES_MAX = 256 << 20 };

/* On to the next member (name) or element (NULL). */
static void item(struct out *o, const char *name)
{
    if (!o->first)
        buf_putc(o->b, ',');
    buf_putc(o->b, '\n');
    for (unsigned i = 0; i < o->depth; i++)
        buf_puts(o->b, "  ");
    o->first = false;
    if (name) {
        buf_put_json_string(o->b, span_str(name));
        buf_puts(o->b, ": ");
    }
}

static void begin(struct out *o, const char *name, char bracket)
{
    if (o->depth)
        item(o, name);
    buf_putc(o->b, bracket);
    o->depth++;
    o->first = true;
}

static void end(struct out *o, char bracket)
{
    o->depth--;
    if (!o->first) {
        buf_putc(o->b, '\n');
        for (unsigned i = 0; i < o->depth; i++)
            buf_puts(o->b, "  ");
    }
    o->first = false;
    buf_putc(o->b, bracket);
}

static void put_text(struct out *o, const char *name, const char *text)
{
    item(o, name);
    buf_put_json_string(o->b, span_str(text));
}

static void put_list(struct out *o, const char *name, const char *const *list, size_t n)
{
    if (n == 0)
        return;
    begin(o, name, '[');
    for (size_t i = 0; i < n; i++)
        put_text(o, NULL, list[i]);
    end(o, ']');
}

static void put_setting(struct out *o, const struct setting *s, const void *base)
{
    struct buf *b = o->b;
    switch (s->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_ONE:
        put_text(o, s->name, setting_text(s, base));
        return;
    case SETTING_BOOL:
        item(o, s->name);
        buf_puts(b, setting_bool(s, base) ? "true" : "false");
        return;
    case SETTING_INT:
        item(o, s->name);
        buf_put_i64(b, setting_number(s, base));
        return;
    case SETTING_DATE:
        item(o, s->name);
        buf_put_time(b, setting_number(s, base));
        return;
    case SETTING_SIZE:
    case SETTING_TIME:
    case SETTING_MODE:
        item(o, s->name);
        buf_putc(b, '"');
        if (s->type == SETTING_SIZE)
            buf_put_size(b, setting_number(s, base));
        else if (s->type == SETTING_TIME)
            buf_put_duration(b, setting_number(s, base));
        else
            buf_printf(b, "%04llo", (unsigned long long)setting_number(s, base));
        buf_putc(b, '"');
    }
}

/* Parameters hold what a recipe needs typed in; some of that only the sender and we may know. */
static bool looks_secret(const char *name)
{
    static const char *const words[] = {"token", "secret", "password", "key"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

static void put_params(struct out *o, const struct config_source *src)
{
    if (src->n_params == 0)
        return;
    begin(o, "params", '{');
    for (size_t i = 0; i < src->n_params; i++) {
        bool hide = o->masked && looks_secret(src->params[i].name);
        put_text(o, src->params[i].name, hide ? "…" : src->params[i].value);
    }
    end(o, '}');
}

static void put_optional(struct out *o, const char *name, const char *text)
{
    if (text)
        put_text(o, name, text);
}

static void put_date(struct out *o, const char *name, int64_t ms)
{
    if (!ms)
        return;
    item(o, name);
    buf_put_time(o->b, ms);
}

static void put_keys(struct out *o, const struct config_source *src, const struct config_key *keys, size_t n)
{
    if (n == 0)
        return;
    begin(o, "keys", '[');
    for (size_t i = 0; i < n; i++) {
        const struct config_key *k = &keys[i];
        if (o->masked && config_key_in_folder(src, k)) /* the folder brings it again */
            continue;
        begin(o, NULL, '{');
        put_text(o, "id", k->id);
        put_optional(o, "secret_file", k->secret_file);
        put_optional(o, "secret_env", k->secret_env);
        put_optional(o, "public_key_file", k->public_key_file);
        put_optional(o, "key_encoding", k->encoding);
        put_date(o, "not_before", k->not_before_ms);
        put_date(o, "not_after", k->not_after_ms == INT64_MAX ? 0 : k->not_after_ms);
        end(o, '}');
    }
    end(o, ']');
}

static void put_token_terms(struct out *o, const struct config_auth *jwt)
{
    item(o, "require_exp");
    buf_puts(o->b, jwt->require_exp ? "true" : "false");
    item(o, "leeway");
    buf_putc(o->b, '"');
    buf_put_duration(o->b, jwt->leeway_ms);
    buf_putc(o->b, '"');
    put_list(o, "algorithms", jwt->algorithms, jwt->n_algorithms);
    put_list(o, "issuer", jwt->issuer, jwt->n_issuer);
    put_list(o, "audience", jwt->audience, jwt->n_audience);
    put_list(o, "scopes", jwt->scopes, jwt->n_scopes);
}

static void put_auth(struct out *o, const struct config_source *src)
{
    if (!config_has_auth(src))
        return;
    begin(o, "auth", '{');
    for (enum config_auth_kind i = 0; i < AUTH_KINDS; i++) {
        const struct config_auth *auth = &src->auth[i];
        if (!auth->used)
            continue;
        begin(o, config_auth_name(i), '{');
        if (i == AUTH_API_KEY || i == AUTH_JWT)
            put_text(o, "header", auth->header);
        put_optional(o, "from", auth->from);
        put_keys(o, src, auth->keys, auth->n_keys);
        if (i == AUTH_JWT)
            put_token_terms(o, auth);
        put_list(o, "sha256", auth->sha256, auth->n_sha256);
        put_list(o, "subject", auth->subject, auth->n_subject);
        end(o, '}');
    }
    end(o, '}');
}

static void put_dedupe(struct out *o, const struct config_source *src)
{
    if (!src->dedupe) {
        item(o, "dedupe");
        buf_puts(o->b, "false");
        return;
    }
    begin(o, "dedupe", '{');
    if (src->n_dedupe_by > 1)
        put_list(o, "by", src->dedupe_by, src->n_dedupe_by);
    else
        put_text(o, "by", src->n_dedupe_by ? src->dedupe_by[0] : "event_id");
    put_text(o, "missing", src->dedupe_missing);
    item(o, "window");
    buf_putc(o->b, '"');
    buf_put_duration(o->b, src->dedupe_window_ms);
    buf_putc(o->b, '"');
    item(o, "max");
    buf_put_i64(o->b, src->dedupe_max);
    end(o, '}');
}

static void put_answers(struct out *o, const struct config_source *src)
{
    static const char *const names[ANSWER_KINDS] = {
        [ANSWER_ACCEPTED] = "accepted", [ANSWER_DUPLICATE] = "duplicate", [ANSWER_REFUSED] = "refused"};
    begin(o, "answers", '{');
    for (size_t i = 0; i < ANSWER_KINDS; i++) {
        const struct config_answer *a = &src->answers[i];
        if (!a->status && !a->content_type && !a->body)
            continue;
        begin(o, names[i], '{');
        if (a->status) {
            item(o, "status");
            buf_put_i64(o->b, a->status);
        }
        put_optional(o, "content_type", a->content_type);
        put_optional(o, "body", a->body);
        end(o, '}');
    }
    end(o, '}');
}

static void put_rejected(struct out *o, const struct config_source *src)
{
    begin(o, "rejected", '{');
    item(o, "body");
    buf_puts(o->b, src->rejected_body ? "true" : "false");
    end(o, '}');
}

static void put_versions(struct out *o, const struct config_source *src)
{
    if (src->n_versions == 0)
        return;
    begin(o, "versions", '{');
    for (size_t i = 0; i < src->n_versions; i++) {
        const struct config_version *v = &src->versions[i];
        begin(o, v->name, '{');
        put_date(o, "deprecated", v->deprecated_ms);
        put_date(o, "sunset", v->sunset_ms);
        put_optional(o, "schema", v->schema);
        put_optional(o, "link", v->link);
        end(o, '}');
    }
    end(o, '}');
}

static void put_limit(struct out *o, const char *name, const struct config_limit *limit, size_t n_rows)
{
    begin(o, name, '{');
    for (size_t i = 0; i < n_rows; i++)
        if (limit->by == LIMIT_BY_IP || strcmp(config_limit_rows[i].name, "ipv6_prefix") != 0)
            put_setting(o, &config_limit_rows[i], limit);
    end(o, '}');
}

static void put_limits(struct out *o, const struct config_source *src)
{
    if (src->n_limits == 0)
        return;
    begin(o, "limit", '[');
    for (size_t i = 0; i < src->n_limits; i++)
        put_limit(o, NULL, &src->limits[i], CONFIG_LIMIT_ROWS);
    end(o, ']');
}

static void put_failed_limit(struct out *o, const struct config *c)
{
    if (c->failed_limit.rate) {
        put_limit(o, "failed_limit", &c->failed_limit, CONFIG_LIMIT_ROWS - 1);
    } else {
        item(o, "failed_limit");
        buf_puts(o->b, "false");
    }
}

static void put_source(struct out *o, const struct config_source *src)
{
    begin(o, src->name, '{');
    for (size_t i = 0; i < CONFIG_SRC_ROWS; i++)
        put_setting(o, &config_src_rows[i], src);
    put_params(o, src);
    put_keys(o, src, src->keys, src->n_keys);
    put_auth(o, src);
    put_list(o, "type", src->type, src->n_type);
    put_list(o, "event_id", src->event_id, src->n_event_id);
    put_list(o, "order_key", src->order_key, src->n_order_key);
    put_list(o, "time", src->time, src->n_time);
    put_list(o, "version", src->version, src->n_version);
    put_list(o, "types", src->types, src->n_types);
    put_list(o, "methods", src->methods, src->n_methods);
    put_list(o, "content_types", src->content_types, src->n_content_types);
    put_list(o, "allow", src->allow, src->n_allow);
    put_limits(o, src);
    put_list(o, "tenant", src->tenant, src->n_tenant);
    put_list(o, "webhook_origins", src->webhook_origins, src->n_webhook_origins);
    put_dedupe(o, src);
    put_answers(o, src);
    put_rejected(o, src);
    put_versions(o, src);
    end(o, '}');
}

static void put_config(struct out *o, const char *name, const struct config *c)
{
    begin(o, name, '{');
    for (size_t i = 0; i < CONFIG_TOP_ROWS; i++)
        put_setting(o, &config_top_rows[i], c);
    put_list(o, "peer_users", c->peer_users, c->n_peer_users);
    put_list(o, "trusted_proxies", c->trusted_proxies, c->n_trusted_proxies);
    put_failed_limit(o, c);
    begin(o, "sources", '{');
    for (size_t i = 0; i < c->n_sources; i++)
        put_source(o, &c->sources[i]);
    end(o, '}');
    end(o, '}');
}

void config_print(const struct config *c, struct buf *b)
{
    struct out o = {.b = b, .first = true, .masked = true};
    put_config(&o, NULL, c);
    buf_putc(b, '\n');
}

static void put_texts(struct out *o, const char *name, const struct config_text *list, size_t n)
{
    begin(o, name, '[');
    for (size_t i = 0; i < n; i++) {
        begin(o, NULL, '{');
        put_text(o, "name", list[i].name);
        put_text(o, "file", list[i].file);
        put_text(o, "text", list[i].text);
        end(o, '}');
    }
    end(o, ']');
}

enum err config_snapshot(const struct config *c, int *fd, struct why *w)
{
    struct buf b;
    buf_init(&b, SNAPSHOT_BYTES_MAX);
    struct out o = {.b = &b, .first = true};
    begin(&o, NULL, '{');
    put_text(&o, "file", c->file);
    put_texts(&o, "recipes", c->recipes_loaded, c->n_recipes_loaded);
    put_texts(&o, "schemas", c->schemas_loaded, c->n_schemas_loaded);
    put_config(&o, "config", c);
    end(&o, '}');
    enum err e = b.failed ? why_set(w, ERR_NO_ROOM, "the configuration is larger than %d bytes", SNAPSHOT_BYTES_MAX)
                          : fs_sealed("creel-config", buf_span(&b), fd, w);
    buf_fini(&b);
    return e;
}
