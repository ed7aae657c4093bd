/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens and sessions of all tenants, as HTTP looks them up. The control thread changes them,
 * the web thread looks for them; a lock is between the two.
 */
#ifndef APP_COMMAND_TOKENS_H
#define APP_COMMAND_TOKENS_H

#include "app/schema/token_field.h"
#include "base/bytes.h"

/* Of all tenants; sessions are tokens, too. */
enum { TOKENS_MAX = 16384, TOKENS_SESSIONS_MAX = 12288, TOKEN_KEY_MAX = TOKEN_TEXT_MAX };

struct tokens;

/* The key is "TENANT~NAME": tenants have no numbers on the web thread. */
struct token {
	uint16_t tenant; /* 0 */
	char name[TOKEN_KEY_MAX];
	uint8_t role;
	uint8_t hash[TOKEN_HASH_LEN];
	uint32_t expires_utc_s;
	char commands[TOKEN_COMMANDS_MAX];
	char without[TOKEN_WITHOUT_MAX];
	char user[COMMAND_USER_MAX];
};

/* 0 or -errno. */
int tokens_open(struct tokens **out) NODISCARD;
void tokens_close(struct tokens *t); /* NULL is fine */
/* The token of that tenant and name, if its secret is that one, and it has not expired. */
bool tokens_find(struct tokens *t, struct bytes tenant, struct bytes name, struct bytes secret,
		 struct token *out);
/* A tenant's token counts from now on, or no longer. 0, -ENOSPC or -ENOMEM. */
int tokens_put(struct tokens *t, const char *tenant, const struct token_value *v) NODISCARD;
void tokens_delete(struct tokens *t, const char *tenant, const char *name);
/* Those sessions of the tenant which are not over and of which that says true. */
uint32_t tokens_sessions(struct tokens *t, const char *tenant,
			 bool (*counts)(void *arg, const char *name, const char *user), void *arg);
/* Some sessions and logins that have been over for a minute, each as its key: at most `most`, as it
 * looks at a few hundred tokens each time. Returns how many. */
size_t tokens_over(struct tokens *t, char (*keys)[TOKEN_KEY_MAX], size_t most);

#endif
