/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Lua scripts by which several keys change together or not at all. They are loaded into each
 * Redis that we connect to and run by their SHA-1; should Redis have forgotten one, it is sent
 * whole. All answer with an array; its first element is a word: OK, or the reason of a refusal.
 * Sources, with their keys and arguments: cluster/lua/.
 */
#ifndef CLUSTER_REDIS_SCRIPT_H
#define CLUSTER_REDIS_SCRIPT_H

#include "cluster/redis/redis.h"

enum script_id {
	SCRIPT_LEASE_ACQUIRE,
	SCRIPT_LEASE_ASSERT,
	SCRIPT_LEASE_RENEW,
	SCRIPT_LEASE_KEEP,
	SCRIPT_LEASE_FENCE,
	SCRIPT_LEASE_LOOK,
	SCRIPT_LEASE_CLAIM,
	SCRIPT_LEASE_WANT,
	SCRIPT_LEASE_GIVE,
	SCRIPT_LEASE_OFFER,
	SCRIPT_CALL_END,
	SCRIPT_CALL_LEFT,
	SCRIPT_CALL_ASIDE,
	SCRIPT_BINDING_SAVE,
	SCRIPT_BINDING_ASIDE,
	SCRIPT_DOCUMENT_PUT,
	SCRIPT_DOCUMENT_DELETE,
	SCRIPT_DOCUMENT_ASIDE,
	SCRIPT_DOCUMENT_RESTORE,
	SCRIPT_DOCUMENT_READ,
	SCRIPT_DOCUMENTS_READ,
	SCRIPT_RECORDS_READ,
	SCRIPT_DOCUMENT_LOOK,
	SCRIPT_KEY_CHECK,
	SCRIPT_CALLS_CHECK,
	SCRIPT_CALL_OPEN,
	SCRIPT_CALLS_MOVE,
	SCRIPT_TOLL_ADD,
	SCRIPT_PARK_CLAIM,
	SCRIPT_PARK_FREE,
	SCRIPT_CLUSTER_KNOW,
	SCRIPT_NODE_OWN,
	SCRIPT_RECORDING_PUT,
	SCRIPT_RECORDING_DAYS,
	SCRIPT_RECORDING_READ,
	SCRIPT_RECORDING_GET,
	SCRIPT_HOOK_OWN,
	SCRIPT_HOOK_DEAD,
	SCRIPT_HOOK_REPLAY,
	SCRIPT_HOOK_FORGET,
	SCRIPT_HOOK_GET,
	SCRIPT_DOCUMENT_SET,
	SCRIPT_DOCUMENT_MOVE,
	SCRIPT_BOX_CHANGE,
	SCRIPT_BOX_READ,
	SCRIPT_TASK,
	SCRIPT_KEPT_CLAIM,
	SCRIPT_COUNT
};

enum { SCRIPT_SHA_LEN = 40, SCRIPT_ARGS_MAX = 240 };

/* Lua source, NUL-terminated, of static life. */
const char *script_text(enum script_id id);

struct scripts {
	char sha[SCRIPT_COUNT][SCRIPT_SHA_LEN];
};

/* SHA-1 in hexadecimal digits, as a script sees it. 0 or -ENOMEM. */
int script_sha1(char out[SCRIPT_SHA_LEN], struct bytes in) NODISCARD;
/* 0 or -ENOMEM. */
int scripts_open(struct scripts *s) NODISCARD;
/* Queues SCRIPT LOAD for all; once per connection. What fails is sent whole when it is run. */
void scripts_load(const struct scripts *s, struct redis *r);

struct script_call {
	enum script_id id;
	const struct bytes *args; /* keys first, then arguments; copied */
	size_t keys, n;           /* of args; n at most SCRIPT_ARGS_MAX */
	uint64_t deadline_ns;     /* as for redis_command */
};
/* As redis_command; also -ENOMEM. */
int script_run(const struct scripts *s, struct redis *r, const struct script_call *call,
	       redis_reply_fn *fn, void *arg) NODISCARD;

#endif
