/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One delivery under way: the recording, then its sidecar if the destination wants it, by libcurl,
 * or copied by a child process to a folder (a server that hangs blocks that child alone).
 */
#ifndef APP_DELIVER_TRANSFER_H
#define APP_DELIVER_TRANSFER_H

#include <curl/curl.h>
#include <sys/types.h>

#include "app/deliver/folder.h"
#include "app/deliver/terms.h"
#include "app/deliver/upload.h"

enum { TRANSFER_OBJECTS = 2, TRANSFER_URL_MAX = 1024, TRANSFER_LIMIT_S = 6 * 3600 };

/* How it went. */
struct outcome {
	enum job_event_kind kind; /* JOB_DELIVERED, JOB_FAILED or JOB_REFUSED */
	bool unreachable; /* JOB_FAILED: the next one to that destination will fail as well */
	char reason[JOB_REASON_MAX];
};

struct transfer {
	bool used;
	char folder[TERMS_TEXT_MAX], node[64];
	char path[QUEUE_PATH_MAX];
	struct destination to; /* as it was when the transfer began */
	struct sidecar facts;
	unsigned object; /* 0: the recording, 1: its sidecar */
	/* of libcurl */
	CURL *easy;
	FILE *file;
	struct curl_slist *headers, *finish, *recipients;
	curl_mime *mime;
	char error[CURL_ERROR_SIZE];
	/* of a file that goes to S3 in parts; NULL: it goes as a whole */
	struct upload *upload;
	enum upload_step step;
	unsigned failures; /* of the step, in turn */
	uint64_t left;     /* octets of the part that libcurl did not get yet */
	char *said, *answer;
	size_t answer_n;
	/* of the child */
	pid_t child;
	int child_end; /* a pidfd */
};

/* The object's part of it. 0: under way; else -errno and *outcome says it. multi: of libcurl. */
int curl_transfer_start(struct transfer *t, CURLM *multi, struct outcome *outcome) NODISCARD;
/* Of this object; the next one, if there is one, has not begun. */
void transfer_outcome(struct transfer *t, CURLcode code, struct outcome *outcome);
void transfer_child_outcome(struct transfer *t, int status, struct outcome *outcome);
/* There is more of it: the next begin is of that. */
bool transfer_goes_on(struct transfer *t, const struct outcome *outcome);
/* Of an object; the transfer is as before its begin. */
void transfer_clear(struct transfer *t, CURLM *multi);

/* An object that was stored at S3, from its beginning to its end. 0, -ENOENT or -EIO. Waits. */
int transfer_read(const struct destination *from, const char *path, curl_write_callback write,
		  void *arg) NODISCARD;

/* In files of their own. */
int transfer_s3_get(struct transfer *t);
int transfer_s3(struct transfer *t);
int transfer_list_add(struct curl_slist **list, const char *line);
int transfer_put(struct transfer *t);

/* ---- transfer_s3.c ---- */
/* Where the file goes in parts: what is known of them. 0 or -errno. */
int transfer_upload_open(struct transfer *t, const char *from);
/* What the server said to a step that went well, or not. */
void transfer_upload_answered(struct transfer *t, long status, struct outcome *o);
bool transfer_upload_goes_on(struct transfer *t, const struct outcome *o);
/* *out is malloc'ed. name: of its file. 0 or -errno. */
int upload_load(const char *folder, const char *name, struct upload **out) NODISCARD;
void upload_file(char out[FOLDER_PATH_MAX], const char *folder, const char *name);

void outcome_add(struct outcome *o, enum job_event_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
