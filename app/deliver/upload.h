/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A multipart upload to S3: the server's id of it, and the parts it has. Kept in a small file, so
 * that a restarted process continues behind the last part, and no part stays at the server for
 * ever. Pure.
 */
#ifndef APP_DELIVER_UPLOAD_H
#define APP_DELIVER_UPLOAD_H

#include "app/deliver/job.h"
#include "app/deliver/terms.h"

enum {
	UPLOAD_ID_MAX = 512,
	UPLOAD_ETAG_MAX = 80,
	UPLOAD_PARTS_MAX = 1000, /* S3 takes 10,000, others less */
	UPLOAD_TEXT_MAX = 128 * 1024,
	UPLOAD_NAME_MAX = QUEUE_PATH_MAX + JOB_NAME_MAX + 24,
};

struct upload {
	char path[QUEUE_PATH_MAX], to[JOB_NAME_MAX]; /* what goes where */
	char id[UPLOAD_ID_MAX]; /* the server's name for it; "": it has not begun */
	uint64_t octets, part;  /* of the file, and of each part but the last */
	uint32_t count, done;   /* parts */
	char etags[UPLOAD_PARTS_MAX][UPLOAD_ETAG_MAX];
};

/* Of a file that is larger than one part. part grows where there would be too many. */
void upload_set(struct upload *u, const char *path, const char *to, uint64_t octets, uint64_t part);
/* Octets of the next one, and where it begins. */
uint64_t upload_part(const struct upload *u, uint64_t *from);
/* Of its file. */
void upload_name(struct writer *w, const char *path, const char *to);

/* Its file. 0, -EBADMSG (out is as it was) or -ENOMEM. */
int upload_parse(struct upload *out, struct bytes json) NODISCARD;
void upload_write(struct writer *w, const struct upload *u);

/* ---- requests and answers of the server ---- */
enum upload_step { UPLOAD_START, UPLOAD_PART, UPLOAD_COMPLETE, UPLOAD_ABORT, UPLOAD_STEPS };

/* Behind the URL of the object. In the order of a signature. */
void upload_query(struct writer *w, const struct upload *u, enum upload_step step);
/* All parts, in their order. */
void upload_list(struct writer *w, const struct upload *u);
/* Text of an element without children; empty: absent. Of XML with one such element. */
struct bytes upload_element(struct bytes xml, const char *name);
/* An acceptable name or ETag: printable, without characters that XML or JSON escape. */
bool upload_word_fits(struct bytes word, size_t most);

/* Place of a file at its destination: the same name each time, so a repeated delivery replaces it.
 * Pure. */

/* Until all of it is there, a file of a server that has renaming has this behind its name. */
#define PLACE_PART ".part"

/* The URL of path there, with a NUL; of mail that of the server. */
void place_url(struct writer *w, const struct destination *d, const char *path, const char *ending);
/* Where it is when all of it is there, with a NUL; of mail empty. */
void place_stored(struct writer *w, const struct destination *d, const char *path);
/* Commands for the server when PATH.part is there, one a line: a rename. Empty: none. */
void place_finish(struct writer *w, const struct destination *d, const char *path,
		  const char *ending);

#endif
