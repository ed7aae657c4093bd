/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HTTP stores in Redis for a command with an idempotency key (ADR 133): arguments and answer
 * may hold passwords, PINs and new tokens, and stay there for minutes. So both are sealed by a key
 * of the cluster's nodes, for that command alone: none can be opened in place of another.
 */
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/control.h"
#include "app/node/node.h"
#include "base/base64url.h"
#include "base/seal.h"

enum { SEAL_CONTEXT_MAX = CONTROL_NAME_MAX + 32 };

static struct bytes seal_context(char out[SEAL_CONTEXT_MAX], const char *what, const char *id)
{
	struct writer w = writer_over(out, SEAL_CONTEXT_MAX);

	WRITER_TEXTS(&w, what, " ", id);
	return writer_done(&w);
}

static struct seal_key control_seal_key(const struct node *n)
{
	struct seal_key key = { .id = n->keys.id };

	keys_derive(&n->keys, "tandem command seal 1", key.octets);
	return key;
}

char *control_seal(struct node *n, const char *what, const char *id, const char *head,
		   struct bytes text)
{
	size_t cap = text.n + SEAL_OVERHEAD, most = strlen(head) + 2 + (cap * 4 + 2) / 3,
	       sealed = 0;
	struct seal_key key = control_seal_key(n);
	uint8_t *octets = malloc(cap);
	char context[SEAL_CONTEXT_MAX], *out = malloc(most);
	struct writer w = writer_over(out, out ? most - 1 : 0);

	if (!octets || !out ||
	    seal_make(&key, &n->rand, seal_context(context, what, id), text, octets, cap,
		      &sealed)) {
		free(out);
		out = NULL;
	} else {
		writer_str(&w, head);
		base64url_write(&w, bytes_mem(octets, sealed));
		out[w.n] = '\0';
	}
	free(octets);
	seal_key_wipe(&key);
	return out;
}

json_t *control_unseal(const struct node *n, const char *what, const char *id, struct bytes sealed)
{
	struct seal_key key = control_seal_key(n);
	uint8_t *octets = malloc(sealed.n + 1), *plain = malloc(sealed.n + 1);
	char context[SEAL_CONTEXT_MAX];
	enum seal_refusal why;
	json_t *json = NULL;
	size_t count = 0, length = 0;

	if (octets && plain && !base64url_decode(sealed, octets, sealed.n + 1, &count) &&
	    !seal_open(&key, seal_context(context, what, id), bytes_mem(octets, count), plain,
		       sealed.n + 1, &length, &why))
		json = json_loadb((const char *)plain, length, JSON_REJECT_DUPLICATES, NULL);
	if (plain)
		OPENSSL_cleanse(plain, length);
	free(plain);
	free(octets);
	seal_key_wipe(&key);
	return json;
}

bool control_print(const struct node *n, const json_t *args, char out[CONTROL_PRINT_LEN + 1])
{
	char *text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t key[KEYS_LEN], mac[EVP_MAX_MD_SIZE] = { 0 };
	struct writer w = writer_over(out, CONTROL_PRINT_LEN);

	if (!text)
		return false;
	keys_derive(&n->keys, "tandem command print 1", key);
	(void)HMAC(EVP_sha256(), key, sizeof(key), (const uint8_t *)text, strlen(text), mac, NULL);
	writer_hex(&w, bytes_mem(mac, CONTROL_PRINT_LEN / 2));
	out[w.n] = '\0';
	OPENSSL_cleanse(key, sizeof(key));
	secret_str_free(text);
	return true;
}
