/* SPDX-License-Identifier: MIT
 * folder: hands all texts of the folder over as documents.
 */
#include "schema/folder.h"

#include <stdlib.h>

static struct span file_name(const struct config_text *t)
{
    const char *slash = strrchr(t->file, '/');
    return span_str(slash ? slash + 1 : t->file);
}

static struct span text_of(const struct config_text *t)
{
    return span_str(t->text + strspn(t->text, " \t\r\n"));
}

enum err folder_compile(const struct config *c, size_t i, struct schema **out, struct why *w)
{
    struct schema_document *documents = calloc(c->n_schemas_loaded + 1, sizeof *documents);
    struct schema_options options = {.draft = strcmp(c->schema_draft, "draft-07") == 0 ? SCHEMA_DRAFT_07 : SCHEMA_2020_12,
                                     .formats = c->schema_formats,
                                     .documents = documents,
                                     .n_documents = c->n_schemas_loaded};
    if (!documents)
        return why_set(w, ERR_NO_MEMORY, "out of memory for schemas");
    for (size_t k = 0; k < c->n_schemas_loaded; k++)
        documents[k] = (struct schema_document){file_name(&c->schemas_loaded[k]), text_of(&c->schemas_loaded[k])};
    enum err e = schema_compile(text_of(&c->schemas_loaded[i]), &options, out, w);
    free(documents);
    return e;
}
