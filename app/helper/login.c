/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins at an OpenID provider (OpenID Connect Core 1.0): its discovery document,
 * the URL of the login, and the proof at its end. Code flow with PKCE (RFC 7636). Nothing is stored
 * for a begun login: the node has what it needs in the state. A copy of what the provider publishes
 * is used for an hour; keys are fetched anew for a token with an unknown key, every 2 s at most.
 *
 * args: issuer, client, secret, ca, redirect, scope, state, nonce, verifier; at the end: code, iss,
 * role_claim, tenant_claim, number_claim.
 * result: url; or name, roles (a list), tenant, number ("": none); or refused (code of an error),
 * detail.
 */
#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/helper.h"
#include "app/helper/jwt.h"
#include "base/base64url.h"
#include "base/json_member.h"
#include "base/rand.h"

enum {
	LOGIN_KEY_LEN = 32,
	LOGIN_KEY_MAX = 44, /* the same in base64url, and NUL */
	LOGIN_BODY_MAX = 262144,
	LOGIN_TEXT_MAX = 6144,
	LOGIN_FETCH_MS = 8000,
	LOGIN_POLL_MS = 50,
};
#define LOGIN_FRESH_NS (3600 * NS_PER_S)
#define LOGIN_AGAIN_NS (2 * NS_PER_S)
#define LOGIN_PAUSE_NS (1 * NS_PER_S)

/* What the issuer publishes. */
struct login_copy {
	json_t *json; /* or NULL */
	uint64_t fetched_ns, failed_ns;
	bool busy; /* it is being fetched */
};

static struct {
	char issuer[512];
	struct login_copy discovery, keys;
} g_logins;

struct login {
	json_t *args;             /* a reference */
	struct login_copy *fetch; /* NULL: it exchanges the code */
	bool waits;               /* another request fetches what it needs */
	struct http_own own;
	json_t *answer; /* of the exchange */
};

static const char *login_arg(const struct login *l, const char *name)
{
	return json_text(l->args, name);
}

static void login_refuse(struct helper *h, struct helper_request *r, const char *code,
			 const char *what, const char *detail)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s%s%.300s", what, detail[0] ? ": " : "", detail);
	helper_answer(h, r, json_pack("{s:s, s:s}", "refused", code, "detail", text));
}

/* ---- requests to the issuer ---- */

/* post: NULL: GET. */
static void login_fetch(struct helper *h, struct helper_request *r, const char *url,
			const char *post)
{
	struct login *l = r->work;
	bool ok = http_own_open(&l->own, r, url, "https", login_arg(l, "ca"), LOGIN_BODY_MAX);
	CURL *e = l->own.easy;

	if (ok) {
		(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)LOGIN_FETCH_MS);
		if (post)
			(void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, post);
		if (post && login_arg(l, "secret")[0]) { /* RFC 6749 2.3.1 */
			char *user = curl_easy_escape(e, login_arg(l, "client"), 0);
			char *secret = curl_easy_escape(e, login_arg(l, "secret"), 0);

			(void)curl_easy_setopt(e, CURLOPT_USERNAME, user);
			(void)curl_easy_setopt(e, CURLOPT_PASSWORD, secret);
			curl_free(user);
			OPENSSL_cleanse(secret, secret ? strlen(secret) : 0);
			curl_free(secret);
		}
		ok = curl_multi_add_handle(h->multi, e) == CURLM_OK;
	}
	if (!ok)
		helper_fail(h, r, "out of memory");
}

static void login_fetch_copy(struct helper *h, struct helper_request *r, struct login_copy *copy,
			     const char *url)
{
	struct login *l = r->work;

	l->waits = copy->busy;
	if (copy->busy)
		return;
	if (copy->failed_ns && clock_now_ns() - copy->failed_ns < LOGIN_PAUSE_NS) {
		login_refuse(h, r, "unavailable", "the issuer did not answer well just now", "");
		return;
	}
	copy->busy = true;
	l->fetch = copy;
	login_fetch(h, r, url, NULL);
}

/* application/x-www-form-urlencoded: of a query, and of what is posted. */
static void form_add(struct writer *w, char before, const char *name, const char *value)
{
	char *text = curl_easy_escape(NULL, value, 0);

	writer_u8(w, (uint8_t)before);
	WRITER_TEXTS(w, name, "=", text ? text : "");
	w->overflow |= !text;
	curl_free(text);
}

/* ---- the beginning ---- */

static void login_key(char out[LOGIN_KEY_MAX], const uint8_t octets[LOGIN_KEY_LEN])
{
	struct writer w = writer_over(out, LOGIN_KEY_MAX - 1);

	base64url_write(&w, bytes_mem(octets, LOGIN_KEY_LEN));
	out[w.n] = '\0';
}

static void login_url(struct helper *h, struct helper_request *r)
{
	const struct login *l = r->work;
	const char *at = json_text(g_logins.discovery.json, "authorization_endpoint");
	char text[LOGIN_TEXT_MAX], challenge[LOGIN_KEY_MAX];
	struct writer w = writer_over(text, sizeof(text) - 1);
	const char *verifier = login_arg(l, "verifier");
	uint8_t hash[LOGIN_KEY_LEN];

	(void)EVP_Digest(verifier, strlen(verifier), hash, NULL, EVP_sha256(), NULL);
	login_key(challenge, hash);
	writer_str(&w, at);
	form_add(&w, strchr(at, '?') ? '&' : '?', "response_type", "code");
	form_add(&w, '&', "client_id", login_arg(l, "client"));
	form_add(&w, '&', "redirect_uri", login_arg(l, "redirect"));
	form_add(&w, '&', "scope", login_arg(l, "scope"));
	form_add(&w, '&', "state", login_arg(l, "state"));
	form_add(&w, '&', "nonce", login_arg(l, "nonce"));
	form_add(&w, '&', "code_challenge", challenge);
	form_add(&w, '&', "code_challenge_method", "S256");
	text[w.n] = '\0';
	helper_answer(h, r, w.overflow ? NULL : json_pack("{s:s}", "url", text));
}

/* ---- the end ---- */

static void login_exchange(struct helper *h, struct helper_request *r)
{
	const struct login *l = r->work;
	char post[LOGIN_TEXT_MAX];
	struct writer w = writer_over(post, sizeof(post) - 1);

	writer_str(&w, "grant_type=authorization_code");
	form_add(&w, '&', "code", login_arg(l, "code"));
	form_add(&w, '&', "redirect_uri", login_arg(l, "redirect"));
	form_add(&w, '&', "code_verifier", login_arg(l, "verifier"));
	if (!login_arg(l, "secret")[0])
		form_add(&w, '&', "client_id", login_arg(l, "client"));
	post[w.n] = '\0';
	if (w.overflow)
		login_refuse(h, r, "not_allowed", "the code is too long", "");
	else
		login_fetch(h, r, json_text(g_logins.discovery.json, "token_endpoint"), post);
	OPENSSL_cleanse(post, sizeof(post));
}

/* One text is a list of one. */
static json_t *login_roles(const json_t *claim)
{
	return json_is_string(claim)  ? json_pack("[O]", claim)
	       : json_is_array(claim) ? json_incref((json_t *)(uintptr_t)claim)
				      : json_array();
}

static json_t *login_proved(const struct login *l, const json_t *claims)
{
	static const char *const names[] = { "preferred_username", "email", "sub" };
	const json_t *tenant = jwt_claim(claims, login_arg(l, "tenant_claim"));
	const json_t *number = jwt_claim(claims, login_arg(l, "number_claim"));
	const char *name = NULL;

	for (size_t i = 0; i < COUNT_OF(names) && !name; i++)
		name = json_string_value(json_object_get(claims, names[i]));
	return json_pack("{s:s, s:o, s:s, s:s}", "name", name, "roles",
			 login_roles(jwt_claim(claims, login_arg(l, "role_claim"))), "tenant",
			 json_is_string(tenant) ? json_string_value(tenant) : "", "number",
			 json_is_string(number) ? json_string_value(number) : "");
}

static void login_check(struct helper *h, struct helper_request *r, const struct jwt *j)
{
	const struct login *l = r->work;
	const struct jwt_terms terms = { .issuer = login_arg(l, "issuer"),
					 .client = login_arg(l, "client"),
					 .nonce = login_arg(l, "nonce"),
					 .now_utc_s = clock_utc_ms() / 1000 };
	const struct login_copy *keys = &g_logins.keys;
	uint64_t age_ns = clock_now_ns() - keys->fetched_ns;
	const char *wrong;

	if (!keys->json || age_ns > LOGIN_FRESH_NS ||
	    (!jwt_has_key(j, keys->json) && age_ns > LOGIN_AGAIN_NS)) {
		login_fetch_copy(h, r, &g_logins.keys,
				 json_text(g_logins.discovery.json, "jwks_uri"));
		return;
	}
	wrong = jwt_is_signed(j, keys->json)
			? jwt_claims_wrong(j->claims, &terms)
			: "no key of the issuer has signed it with RS256, ES256 or EdDSA";
	if (wrong)
		login_refuse(h, r, "not_allowed", "the ID token is not good", wrong);
	else
		helper_answer(h, r, login_proved(l, j->claims));
}

/* The next step. */
static void login_go(struct helper *h, struct helper_request *r)
{
	const struct login *l = r->work;
	const struct login_copy *d = &g_logins.discovery;
	const char *token = json_string_value(json_object_get(l->answer, "id_token"));
	char url[sizeof(g_logins.issuer) + 64];
	struct jwt j;

	if (!d->json || clock_now_ns() - d->fetched_ns > LOGIN_FRESH_NS) {
		(void)snprintf(url, sizeof(url), "%s%s.well-known/openid-configuration",
			       g_logins.issuer,
			       g_logins.issuer[strlen(g_logins.issuer) - 1] == '/' ? "" : "/");
		login_fetch_copy(h, r, &g_logins.discovery, url);
	} else if (!json_object_get(l->args, "code")) {
		login_url(h, r);
	} else if (!token) {
		login_exchange(h, r);
	} else if (jwt_parse(&j, bytes_str(token))) {
		login_refuse(h, r, "not_allowed", "the ID token is not good", "it is no JWT");
	} else {
		login_check(h, r, &j);
		jwt_drop(&j);
	}
}

/* ---- answers of the issuer ---- */

static bool discovery_is_good(const json_t *json)
{
	static const char *const urls[] = { "authorization_endpoint", "token_endpoint",
					    "jwks_uri" };
	const char *issuer = json_string_value(json_object_get(json, "issuer"));
	bool good = issuer && !strcmp(issuer, g_logins.issuer);

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		const char *url = json_string_value(json_object_get(json, urls[i]));

		good = good && url && !strncmp(url, "https://", 8);
	}
	return good;
}

/* json: stolen. False: it is not what was wanted. */
static bool login_copy_read(struct login_copy *copy, json_t *json)
{
	bool good = copy == &g_logins.discovery ? discovery_is_good(json)
						: json_is_array(json_object_get(json, "keys"));

	*(good ? &copy->fetched_ns : &copy->failed_ns) = clock_now_ns();
	if (good) {
		json_decref(copy->json);
		copy->json = json;
	} else {
		json_decref(json);
	}
	return good;
}

static void login_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	struct login *l = r->work;
	struct login_copy *copy = l->fetch;
	json_t *json = NULL;
	char why[CURL_ERROR_SIZE];
	long status = 0;
	const char *error;

	assert(l->own.easy);
	(void)curl_easy_getinfo(l->own.easy, CURLINFO_RESPONSE_CODE, &status);
	l->fetch = NULL;
	if (copy)
		copy->busy = false;
	if (code == CURLE_OK && l->own.answer_n)
		json = json_loadb(l->own.answer, l->own.answer_n, JSON_REJECT_DUPLICATES, NULL);
	(void)snprintf(why, sizeof(why), "%s",
		       code == CURLE_OK  ? ""
		       : l->own.error[0] ? l->own.error
					 : curl_easy_strerror(code));
	http_own_close(h, &l->own); /* the next step may be a request of its own */
	if ((copy && status != 200) || strcmp(login_arg(l, "issuer"), g_logins.issuer)) {
		json_decref(json);
		json = NULL;
	}
	if (copy ? login_copy_read(copy, json)
		 : status == 200 && json_is_string(json_object_get(json, "id_token"))) {
		if (!copy)
			l->answer = json;
		login_go(h, r);
		return;
	}
	error = copy ? NULL : json_string_value(json_object_get(json, "error"));
	if (!copy && status >= 400 && status < 500)
		login_refuse(h, r, "not_allowed", "the issuer does not take the code",
			     error ? error : "");
	else
		login_refuse(h, r, "unavailable", "the issuer has not answered well", why);
	if (!copy)
		json_decref(json);
}

static uint64_t login_due(struct helper *h, struct helper_request *r, uint64_t now_ns)
{
	struct login *l = r->work;

	if (!l->waits)
		return UINT64_MAX;
	l->waits = false; /* the next step may be a fetch of its own, which is begun once */
	login_go(h, r);
	return now_ns + LOGIN_POLL_MS * NS_PER_MS;
}

/* ---- the kind ---- */

/* Another issuer: nothing of before is good. */
static void logins_of(const char *issuer)
{
	if (!strcmp(g_logins.issuer, issuer))
		return;
	json_decref(g_logins.discovery.json);
	json_decref(g_logins.keys.json);
	OPENSSL_cleanse(&g_logins, sizeof(g_logins));
	(void)snprintf(g_logins.issuer, sizeof(g_logins.issuer), "%s", issuer);
}

static void login_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct login *l = r->work = calloc(1, sizeof(*l));
	const char *iss;

	if (!l) {
		helper_fail(h, r, "out of memory");
		return;
	}
	l->args = json_incref((json_t *)(uintptr_t)args);
	logins_of(login_arg(l, "issuer"));
	iss = login_arg(l, "iss");
	if (iss[0] && strcmp(iss, g_logins.issuer)) /* RFC 9207 */
		login_refuse(h, r, "not_allowed", "iss is another issuer", "");
	else
		login_go(h, r);
}

static void login_end(struct helper *h, struct helper_request *r)
{
	struct login *l = r->work;

	if (!l)
		return;
	if (l->fetch)
		l->fetch->busy = false;
	http_own_close(h, &l->own);
	json_decref(l->answer);
	json_decref(l->args);
	OPENSSL_cleanse(l, sizeof(*l));
	free(l);
}

const struct helper_kind g_helper_login = { .name = "login",
					    .begin = login_start,
					    .fetched = login_fetched,
					    .due = login_due,
					    .end = login_end };
