/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tokens (tokens.h). Documents of tokens and sessions fill it; the secret of a token
 * is known by its hash alone, which is compared in constant time.
 */

#include "app/command/tokens.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/named.h"

enum { OVER_LOOKS = 512, OVER_AFTER_S = 60 };

struct tokens {
	pthread_mutex_t lock;
	struct table table;
	uint32_t cursor; /* of tokens_over */
};

int tokens_open(struct tokens **out)
{
	struct tokens *t = calloc(1, sizeof(*t));
	int err = t ? -pthread_mutex_init(&t->lock, NULL) : -ENOMEM;

	if (!err)
		err = table_open(&t->table, TOKENS_MAX);
	if (err)
		free(t);
	else
		*out = t;
	return err;
}

void tokens_close(struct tokens *t)
{
	if (!t)
		return;
	named_close(&t->table);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct bytes token_key(char key[TOKEN_KEY_MAX], struct bytes tenant, struct bytes name)
{
	(void)snprintf(key, TOKEN_KEY_MAX, BYTES_FMT "~" BYTES_FMT, BYTES_ARG(tenant),
		       BYTES_ARG(name));
	return bytes_str(key);
}

bool tokens_find(struct tokens *t, struct bytes tenant, struct bytes name, struct bytes secret,
		 struct token *out)
{
	uint8_t hash[TOKEN_HASH_LEN];
	char key[TOKEN_KEY_MAX];
	const struct token *found;
	bool is_good;

	token_hash(hash, secret);
	(void)pthread_mutex_lock(&t->lock);
	found = named_find(&t->table, 0, token_key(key, tenant, name));
	is_good = found && !CRYPTO_memcmp(found->hash, hash, sizeof(hash)) &&
		  (!found->expires_utc_s || clock_utc_ms() / 1000 < found->expires_utc_s);
	if (is_good)
		*out = *found;
	(void)pthread_mutex_unlock(&t->lock);
	return is_good;
}

int tokens_put(struct tokens *t, const char *tenant, const struct token_value *v)
{
	char key[TOKEN_KEY_MAX];
	struct token *token;
	int err = 0;
	size_t n;

	(void)pthread_mutex_lock(&t->lock);
	token = named_put(&t->table, 0, token_key(key, bytes_str(tenant), bytes_str(v->name)),
			  sizeof(*token), &err);
	if (token) {
		token->role = v->role;
		token->expires_utc_s = v->expires_utc_s;
		memcpy(token->commands, v->commands, sizeof(token->commands));
		memcpy(token->user, v->user, sizeof(token->user));
		memcpy(token->without, v->without, sizeof(token->without));
		(void)hex_decode(bytes_str(v->hash), token->hash, sizeof(token->hash), &n);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return err;
}

void tokens_delete(struct tokens *t, const char *tenant, const char *name)
{
	char key[TOKEN_KEY_MAX];
	struct token *token;

	(void)pthread_mutex_lock(&t->lock);
	token = named_find(&t->table, 0, token_key(key, bytes_str(tenant), bytes_str(name)));
	if (token)
		named_remove(&t->table, token);
	(void)pthread_mutex_unlock(&t->lock);
	free(token);
}

uint32_t tokens_sessions(struct tokens *t, const char *tenant,
			 bool (*counts)(void *arg, const char *name, const char *user), void *arg)
{
	uint64_t utc_s = clock_utc_ms() / 1000;
	uint32_t cursor = 0, count = 0;
	const struct token *token;

	(void)pthread_mutex_lock(&t->lock);
	while ((token = named_next(&t->table, &cursor)) != NULL) {
		struct bytes name = bytes_str(token->name), of;

		count += token->expires_utc_s > utc_s && bytes_cut(&name, '~', &of) &&
			 bytes_is(of, tenant) && bytes_starts(name, TOKEN_SESSION) &&
			 counts(arg, (const char *)name.p, token->user);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return count;
}

static bool token_is_over(const struct token *t, uint64_t utc_s)
{
	struct bytes rest = bytes_str(t->name), tenant;

	return bytes_cut(&rest, '~', &tenant) && t->expires_utc_s &&
	       (bytes_starts(rest, TOKEN_SESSION) || bytes_starts(rest, TOKEN_LOGIN)) &&
	       t->expires_utc_s + OVER_AFTER_S < utc_s;
}

size_t tokens_over(struct tokens *t, char (*keys)[TOKEN_KEY_MAX], size_t most)
{
	uint64_t utc_s = clock_utc_ms() / 1000;
	const struct token *token = NULL;
	size_t count = 0;

	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < OVER_LOOKS && count < most; i++) {
		token = named_next(&t->table, &t->cursor);
		if (!token)
			break;
		if (token_is_over(token, utc_s))
			memcpy(keys[count++], token->name, TOKEN_KEY_MAX);
	}
	if (!token)
		t->cursor = 0;
	(void)pthread_mutex_unlock(&t->lock);
	return count;
}
