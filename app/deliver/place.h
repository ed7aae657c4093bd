/* SPDX-License-Identifier: Apache-2.0 */
/* Where a file goes at its destination: under the same name each time, so whoever tries again replaces what is there. Pure. */
#ifndef APP_DELIVER_PLACE_H
#define APP_DELIVER_PLACE_H

#include "app/deliver/terms.h"

/* Until all of it is there, a file of a server that has renaming has this behind its name. */
#define PLACE_PART ".part"

/* The URL of path there, with a NUL; of mail that of the server. */
void place_url(struct writer *w, const struct destination *d, const char *path, const char *ending);
/* Where it is when all of it is there, with a NUL; of mail empty. */
void place_stored(struct writer *w, const struct destination *d, const char *path);
/* The part of that URL that is the path on the server. */
struct bytes place_path(struct bytes url);
/* What the server is asked to do when PATH.part is there, one a line: it takes the name of the file. Empty: nothing. */
void place_finish(struct writer *w, const struct destination *d, const char *path,
		  const char *ending);

#endif
