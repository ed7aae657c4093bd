/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that came by HTTP, between the two files of that door: the web thread makes it out of a
 * request (door.c), the control thread carries it out and answers (door_job.c).
 */
#ifndef APP_COMMAND_DOOR_JOB_H
#define APP_COMMAND_DOOR_JOB_H

#include <stdatomic.h>

#include "app/command/control.h"
#include "app/command/others.h"
#include "app/command/page.h"
#include "app/schema/token_field.h"
#include "app/settings/settings.h"
#include "app/web/web_link.h"

/* A command under way, with its principal. The web thread makes it, and the control thread has it
 * from then on. */
struct door_job {
	struct command_principal who;
	char token[TOKEN_NAME_MAX]; /* its name; "": none was needed */
	char without[TOKEN_WITHOUT_MAX];
	struct page_run *page; /* owned; else NULL, and it is a command */
	const struct command *command;
	json_t *args; /* owned */
	char id[CONTROL_ID_MAX];
	bool keyed; /* has an idempotency key: the same again is the same command */
	uint8_t secret[TOKEN_HASH_LEN];    /* of the token */
	char print[CONTROL_PRINT_LEN + 1]; /* keyed: of its arguments */
	/* The control thread's. */
	struct door *door;
	uint64_t call;               /* id of the web's */
	struct others_ticket ticket; /* of one that other nodes carry out */
	struct fair_held held;
};

struct door {
	struct node *node;
	struct tokens *tokens;
	uint64_t reap_ns;         /* when sessions that are over are looked for next */
	_Atomic uint64_t away_ns; /* since when Redis is away; 0: it is there */
	struct web_door web;
	char pages[SETTINGS_PATH_MAX + 8];
	struct rand_source rand; /* the web thread's */
	struct fair fair;        /* holders of jobs: WEB_CALLS_MAX */
};

/* RFC 9457. detail may be of the request: jansson checks its UTF-8.
 * error: of a command, with more members; or NULL. */
void door_problem(struct web_reply *out, unsigned status, const char *title, const char *code,
		  const char *argument, const char *detail, const json_t *error);
/* Returns true. */
bool door_fails(struct web_reply *out, enum command_error_code code, const char *argument,
		const char *detail);
/* The holder of the share that a job counts in. Operators belong to no tenant, wherever their token
 * is. */
const char *door_holder(const struct door_job *job);
void door_job_clear(struct door_job *job);
void door_job_free(struct door_job *job); /* NULL is fine */
/* The control thread: a struct web_work came; arg is the door. */
void door_on_work(const void *item, void *arg);

#endif
