/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the header lines of a refusal. Oracle: what is chosen stands in them, of our realm and by an algorithm that no other challenge of
 * that realm beats; the answer is one line, which our own server's reader takes for what was asked, and which a second computation of the
 * response finds right.
 */
#include <assert.h>
#include <string.h>

#include "sig/sip/digest.h"
#include "sig/sip/digest_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8192 };

static int parse(struct sip_message *m, const char *first, struct bytes lines)
{
	static char text[2 * TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct message_error error;

	writer_str(&w, first);
	writer_str(&w, "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		       "From: <sip:1@h>;tag=f\r\nTo: <sip:2@h>\r\n"
		       "Call-ID: c\r\nCSeq: 2 INVITE\r\n");
	writer_bytes(&w, lines);
	writer_str(&w, "\r\nbody");
	if (!w.overflow && message_parse(m, writer_done(&w), &error) == 0)
		return 0;
	if (!w.overflow)
		message_close(m);
	return -1;
}

static bool is_one_line(struct bytes line)
{
	return line.n > 2 && bytes_find(line, '\r') == line.n - 2 &&
	       bytes_find(line, '\n') == line.n - 1;
}

static bool stands_in(const struct sip_message *m, struct bytes part)
{
	struct bytes all = message_text(m);

	return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void check_answer(const struct digest_client_challenge *ask,
			 const struct digest_account *account, bool proxy)
{
	const struct digest_answering r = { .method = BYTES_LIT("INVITE"),
					    .uri = BYTES_LIT("sip:2@h"),
					    .body = BYTES_LIT("body"),
					    .nc = 3,
					    .cnonce = 9,
					    .proxy = proxy };
	static uint8_t space[DIGEST_CLIENT_LINE_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct digest_credentials c;
	struct digest_text want;
	struct sip_message m;

	if (!digest_client_write(&w, ask, account, &r))
		return;
	assert(is_one_line(writer_done(&w)));
	assert(parse(&m, "INVITE sip:2@h SIP/2.0\r\n", writer_done(&w)) == 0);
	/* the server takes RFC 2069 with MD5 alone */
	if (ask->qop != DIGEST_QOP_NONE || ask->algorithm == DIGEST_MD5) {
		assert(digest_credentials_find(&c, &m, proxy, account->realm) == 1);
		assert(bytes_eq(c.nonce, ask->nonce) && c.qop == ask->qop &&
		       c.algorithm == ask->algorithm && c.session == ask->session);
		assert(digest_response(&c, &account->secret,
				       &(struct digest_body){ m.method_name, m.body }, &want));
		assert(bytes_eq(digest_text_bytes(&want), c.response));
	}
	message_close(&m);
}

/* A message with the best of our realm taken out has none that is better. */
static void check_choice(const struct sip_message *m, bool proxy,
			 const struct digest_account *account)
{
	struct digest_client_challenge ask;
	enum digest_asked is = digest_client_choose(&ask, m, proxy, account->realm);

	if (is == DIGEST_ASKED_REALM)
		assert(!bytes_eq(ask.realm, account->realm) && stands_in(m, ask.realm));
	if (is != DIGEST_ASKED_OK)
		return;
	assert(bytes_eq(ask.realm, account->realm) && ask.nonce.n && stands_in(m, ask.nonce) &&
	       stands_in(m, ask.opaque));
	assert(!ask.session || ask.qop != DIGEST_QOP_NONE);
	check_answer(&ask, account, proxy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest_account account = { .user = BYTES_LIT("node"), .realm = BYTES_LIT("pbx") };
	struct sip_message m;

	if (size > TEXT_MAX || parse(&m, "SIP/2.0 401 No\r\n", bytes_mem(data, size)))
		return 0;
	digest_secret_make(&account.secret, account.user, account.realm, BYTES_LIT("secret"));
	check_choice(&m, false, &account);
	check_choice(&m, true, &account);
	message_close(&m);
	return 0;
}
