/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook: a server that events of a tenant are posted to. A document of the tenant, by name. */
#ifndef APP_SCHEMA_WEBHOOK_FIELD_H
#define APP_SCHEMA_WEBHOOK_FIELD_H

#include "app/helper/webhook.h"
#include "app/schema/command.h"
#include "app/schema/field.h"

enum {
	WEBHOOK_NAME_MAX = 32,
	WEBHOOK_URL_MAX = 512,
	WEBHOOK_LIST_MAX = 512,
	WEBHOOK_APPLICATION_MAX = 33,
	WEBHOOK_REASON_MAX = 160,
	WEBHOOK_RETRY_MAX_S = 259200,
	WEBHOOK_RETRY_S = 86400,
};

struct webhook_value {
	char name[WEBHOOK_NAME_MAX];
	char url[WEBHOOK_URL_MAX];
	char events[WEBHOOK_LIST_MAX], numbers[WEBHOOK_LIST_MAX];
	char application[WEBHOOK_APPLICATION_MAX];
	bool enabled;
	uint32_t retry_s;
	char reason[WEBHOOK_REASON_MAX]; /* why it is off */
	char secrets[FORM_SECRET_MAX];   /* sealed */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_webhook_fields[];
extern const struct form g_webhook_form;

/* Secrets joined by ','. 0, -EINVAL or -ENOMEM. */
int webhook_seal(struct webhook_value *v, const char *tenant, struct bytes secrets,
		 const struct seal_key *key, struct rand_source *rand) NODISCARD;
/* 0 or -EBADMSG: they were sealed with other keys. */
int webhook_open(const struct webhook_value *v, const char *tenant, const struct seal_key *key,
		 char out[WEBHOOK_SECRETS_TEXT_MAX]) NODISCARD;

#endif
