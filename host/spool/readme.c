/* SPDX-License-Identifier: MIT
 * readme: the spool's README. Its text is made from README.spool when this is built.
 */
#include "spool/readme.h"

#include "base/fs.h"

enum { README_MODE = 0640, README_MAX_BYTES = 1 << 20 };

const char readme_text[] =
#include "host/spool/readme_text.h"
    ;

enum err readme_write(int spool_fd, struct why *w)
{
    struct buf there;
    buf_init(&there, README_MAX_BYTES);
    bool same = fs_read(spool_fd, "README", &there, NULL) == ERR_OK && span_eq_str(buf_span(&there), readme_text);
    buf_fini(&there);
    return same ? ERR_OK : fs_replace(spool_fd, "README", span_str(readme_text), README_MODE, w);
}
