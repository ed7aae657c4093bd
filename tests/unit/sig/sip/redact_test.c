/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a message to others: each secret is gone, and nothing else. */
#include "tests/unit/test.h"

#include "sig/sip/redact.h"

typedef void redact_fn(uint8_t *message, size_t n);

struct row {
	const char *name;
	redact_fn *fn;
	const char *in, *out;
};

#define SAME NULL

static const struct row g_rows[] = {
	{ "crypto", redact_keys, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3\r\n",
	  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxxxxxxxxxx\r\n" },
	{ "lifetime and MKI stay", redact_keys,
	  "a=crypto:1 X inline:KEY+/=|2^20|1:4 UNENCRYPTED\r\n",
	  "a=crypto:1 X inline:xxxxxx|2^20|1:4 UNENCRYPTED\r\n" },
	{ "several keys", redact_keys, "a=crypto:2 X inline:AAAA|1:4;inline:BBBB|2:4\n",
	  "a=crypto:2 X inline:xxxx|1:4;inline:xxxx|2:4\n" },
	{ "any case, blanks, no end of line", redact_keys, "a=crypto:1 X INLINE: abcd",
	  "a=crypto:1 X INLINE: xxxx" },
	{ "a key that says inline", redact_keys, "inline:inline:inline:abc\r\n",
	  "inline:xxxxxxxxxxxxxxxxx\r\n" },
	{ "in quotes", redact_keys, "{\"key\":\"inline:abcd\"}", "{\"key\":\"inline:xxxx\"}" },
	{ "MIKEY", redact_keys, "v=0\r\na=key-mgmt:mikey AQAFgM0X\r\n",
	  "v=0\r\na=key-mgmt:xxxxxxxxxxxxxx\r\n" },
	{ "k=", redact_keys, "v=0\r\nk=base64:AAAA\r\nk=prompt\r\n",
	  "v=0\r\nk=xxxxxxxxxxx\r\nk=xxxxxx\r\n" },
	{ "ICE", redact_keys, "a=ice-ufrag:abcd\r\na=ICE-PWD:secret\r\n",
	  "a=ice-ufrag:abcd\r\na=ICE-PWD:xxxxxx\r\n" },
	{ "nothing to hide", redact_keys, "INVITE sip:k=1@h SIP/2.0\r\nSupported: timer\r\n",
	  SAME },
	{ "credentials are not keys", redact_keys, "Authorization: Digest response=\"ab\"\r\n",
	  SAME },
	{ "digest", redact_credentials,
	  "Authorization: Digest username=\"a\", response=\"0123\", nonce=\"n\"\r\nA: b\r\n",
	  "Authorization: Digest username=\"a\", response=\"xxxx\", nonce=\"n\"\r\nA: b\r\n" },
	{ "without quotes, blanks", redact_credentials,
	  "proxy-authorization : DIGEST a=b,Response = 0123,c=d\r\n",
	  "proxy-authorization : DIGEST a=b,Response = xxxx,c=d\r\n" },
	{ "folded", redact_credentials,
	  "Authorization:\r\n Digest username=\"response=\",\r\n\tresponse=\r\n "
	  "\"01\"\r\nresponse=2\r\n",
	  "Authorization:\r\n Digest username=\"response=\",\r\n\tresponse=\r\n "
	  "\"xx\"\r\nresponse=2\r\n" },
	{ "another scheme", redact_credentials, "Authorization: Basic YWxpY2U6\r\n b\r\nX: y",
	  "Authorization: xxxxx xxxxxxxx\r\n x\r\nX: y" },
	{ "digest of no blank", redact_credentials, "Authorization: Digestresponse=\"a\"\r\n",
	  "Authorization: xxxxxxxxxxxxxxxxxx\r\n" },
	{ "the server's proof", redact_credentials,
	  "Authentication-Info: qop=auth, rspauth=\"ab\"\n",
	  "Authentication-Info: qop=auth, rspauth=\"xx\"\n" },
	{ "its end is the message's", redact_credentials, "Authorization: Digest response=", SAME },
	{ "challenges are no secrets", redact_credentials,
	  "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", response=\"a\"\r\n", SAME },
	{ "in a fragment", redact_credentials, "SIP/2.0 200\r\n\r\nAuthorization: Bearer t\r\n",
	  "SIP/2.0 200\r\n\r\nAuthorization: xxxxxx x\r\n" },
	{ "a digit", redact_digits,
	  "INFO sip:a SIP/2.0\r\nContent-Type: "
	  "application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n",
	  "INFO sip:a SIP/2.0\r\nContent-Type: "
	  "application/dtmf-relay\r\n\r\nSignal=x\r\nDuration=160\r\n" },
	{ "a digit, blanks", redact_digits, "\n signal = #\n", "\n signal = x\n" },
	{ "digits as the body", redact_digits, "c: Application/DTMF;a=b\r\nX: 1\r\n\r\n12 3\r\n",
	  "c: Application/DTMF;a=b\r\nX: 1\r\n\r\nxx x\r\n" },
	{ "digits without an end", redact_digits, "Content-Type:application/dtmf\n\n9",
	  "Content-Type:application/dtmf\n\nx" },
	{ "no digits", redact_digits, "Content-Type: application/dtmfx\r\nSignals: 1\r\n\r\n5",
	  SAME },
	{ "a type without a body", redact_digits, "Content-Type: application/dtmf", SAME },
	{ "empty", redact_credentials, "", SAME },
};

static void rows(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, g_rows)
	{
		size_t n = strlen(row->in);
		uint8_t *message = malloc(n + 1); /* its end is seen by the sanitizer */

		assert_non_null(message);
		memcpy(message, row->in, n);
		row->fn(message, n);
		message[n] = '\0';
		if (strcmp((char *)message, row->out ? row->out : row->in) != 0)
			fail_msg("%s: %s", row->name, (char *)message);
		free(message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
