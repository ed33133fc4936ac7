/* SPDX-License-Identifier: MIT
 * compiler: what compile*.c and document.c share while a schema is compiled; nothing of it is left afterwards. One thread.
 */
#ifndef CREEL_SCHEMA_COMPILER_H
#define CREEL_SCHEMA_COMPILER_H

#include "schema/program.h"

enum {
    COMPILE_TEXT_MAX = 16 << 20,
    COMPILE_NODES_MAX = 1 << 20,
    COMPILE_RULES_MAX = 1 << 18,
    COMPILE_PLACES_MAX = 1 << 14
};

/* A document under compilation; per node of its tape what is known of it. */
struct document {
    const struct source *source;
    struct span uri;
    uint32_t *rule_of; /* 1 + index of rules, 0: none yet */
    uint32_t *base_of; /* 1 + index of bases where a schema was found by walking keywords, else 0 */
};

/* What is in force from an $id on. */
struct base {
    struct span uri; /* without fragment */
    enum schema_draft draft;
};

/* What a URI leads to: a whole schema resource, or with an anchor a schema within it. */
struct place {
    struct span uri, anchor;
    uint32_t hash;
    uint32_t doc, node;
};

struct spot {
    uint32_t doc, node;
};

struct compiler {
    struct schema *s;
    const struct schema_options *options;
    enum schema_draft draft; /* where "$schema" does not say */
    struct why *w;
    struct document *docs;
    struct base *bases;
    struct place *places;
    struct spot *spots; /* where each rule is written */
    char **texts;       /* URIs, owned */
    uint8_t *loaded;    /* of options->documents */
    uint32_t n_docs, n_bases, n_places, n_spots, n_texts, n_loaded;
    uint32_t doc; /* being compiled */
};

/* The members of a schema that are keywords of its draft: their nodes, 0 where absent. */
struct keywords {
    enum schema_draft draft;
    uint32_t at[KEYWORD_COUNT];
};

/* ERR_INVALID with "[URI#]/pointer: reason". */
enum err compile_fault(struct compiler *c, uint32_t doc, uint32_t node, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
enum err compile_no_memory(struct compiler *c);
static inline const struct tape *compile_tape(const struct compiler *c, uint32_t doc)
{
    return &c->docs[doc].source->tape;
}

/* document.c: the document itself first; what else was handed over, and the schemas of schemas, when a reference leads there. */
enum err document_load(struct compiler *c, struct span uri, struct span text, uint32_t *doc);
/* Follow a $ref, the string value `node` of this document, under the base of schema `at`. */
enum err document_follow(struct compiler *c, uint32_t doc, uint32_t at, uint32_t node, struct spot *out);
enum schema_draft document_draft(const struct compiler *c, uint32_t doc, uint32_t node);
void document_fini(struct compiler *c);

/* The rule of a schema, made if there is none yet (then compiled later, in turn). */
enum err compile_rule(struct compiler *c, uint32_t doc, uint32_t node, uint32_t *rule);
/* The operations of an object schema, in the order in which they are run; compile_members.c and compile_scalars.c have the parts. */
enum err compile_ops(struct compiler *c, uint32_t node);
enum err compile_op(struct compiler *c, struct op op);
enum err compile_scalars(struct compiler *c, const struct keywords *k);
enum err compile_members(struct compiler *c, const struct keywords *k);
enum err compile_dependencies(struct compiler *c, const struct keywords *k);
/* A whole number from 0 on; larger ones become UINT32_MAX. */
enum err compile_count(struct compiler *c, uint32_t node, uint32_t *out);
/* No schema may come back to itself without having gone deeper into the instance. */
enum err compile_no_loops(struct compiler *c);

/* The schemas of schemas: the text of "http://json-schema.org/draft-07/schema" …; SPAN_NONE for other URIs. */
struct span meta_text(struct span uri);

#endif
