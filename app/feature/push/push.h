/* SPDX-License-Identifier: Apache-2.0 */
/* Web Push (RFC 8030): browsers that users have subscribed, and what is pushed to them for calls
 * and messages. tandem-helper encrypts and posts (app/helper/push.c). Control thread. */
#ifndef APP_FEATURE_PUSH_PUSH_H
#define APP_FEATURE_PUSH_PUSH_H

#include "app/helper/push_seal.h"
#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "app/schema/field.h"

struct node;

enum {
	BROWSERS_OF_USER = 5,
	BROWSERS_OF_TENANT = 4096,
	BROWSERS_MAX = 16384, /* of a node */
	BROWSER_URL_MAX = 512,
	BROWSER_SESSION_HASH = 16,
};

struct browser_value {
	char name[DOCUMENT_NAME_MAX]; /* NUMBER-i */
	char number[DOCUMENT_NAME_MAX - 2];
	char session[DOCUMENT_NAME_MAX]; /* that subscribed it; "": another token */
	/* That session's, as names come back; "": any of that name. */
	char session_hash[BROWSER_SESSION_HASH + 1];
	char endpoint[BROWSER_URL_MAX];
	char p256dh[PUSH_POINT_TEXT + 1];
	char auth[FORM_SECRET_MAX]; /* sealed */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_browser_fields[];
extern const struct form g_browser_form;
extern const struct document_kind g_browser_documents;
extern const struct metric_def g_push_metrics[]; /* ends with id NULL */

command_fn browser_key, browser_list;

/* Name of the i-th browser of that user. False: it is too long. */
bool browser_name(char out[DOCUMENT_NAME_MAX], struct bytes number, unsigned i) NODISCARD;
/* The secret of the subscription, in base64url. 0 or -EBADMSG. */
int browser_open(const struct node *n, const char *tenant, const struct browser_value *v,
		 char out[PUSH_AUTH_TEXT + 1]) NODISCARD;
/* The host of that endpoint is one of hosts (push_hosts of tenant.put), and it is https; or http at
 * this machine, for a trial. */
bool browser_may(const char *endpoint, const char *hosts);
/* The key by which push services know the tenant. 0 or -ENOMEM. */
int push_own_pair(const struct node *n, const char *tenant, struct push_pair *out) NODISCARD;

/* What a session has subscribed goes with it. */
void push_on_session(const struct command_run *run, const struct token_value *ended);
/* Carry EFFECT_EVENT and EFFECT_WAKE. */
void push_on_event(const struct effect *e, void *node);
void push_on_wake(const struct effect *e, void *node);

#endif
