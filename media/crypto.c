/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the a=crypto attribute (RFC 4568), including AES-GCM suites (RFC 7714), for SRTP
 * with keys in SDP (SDES). media/offer takes the first line of a section that we can honour. A line
 * with session parameters that would change the packets is refused as a whole, since ignoring one
 * would break the media (RFC 4568 6.3.7). Keys are wiped on every error path and never printed.
 */

#include "media/crypto.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
	SALT_LENGTH = 14,
	SALT_GCM_LENGTH = 12,
	TAG_DIGITS_MAX = 9,
	LIFETIME_POWER_MAX = 48,  /* RFC 4568 6.2: packets of SRTP; of SRTCP fewer */
	LIFETIME_DIGITS_MAX = 15, /* 2^48 */
	MKI_DIGITS_MAX = 20,      /* of 8 octets */
	MKI_LENGTH_MAX = 128,
	MKI_LENGTH_DIGITS_MAX = 3,
};

static const struct {
	enum media_suite suite;
	uint8_t length;
	const char *name;
} g_suites[] = {
	{ MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 16 + SALT_LENGTH, "AES_CM_128_HMAC_SHA1_80" },
	{ MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 16 + SALT_LENGTH, "AES_CM_128_HMAC_SHA1_32" },
	{ MEDIA_SUITE_AEAD_AES_128_GCM, 16 + SALT_GCM_LENGTH, "AEAD_AES_128_GCM" },
	{ MEDIA_SUITE_AEAD_AES_256_GCM, 32 + SALT_GCM_LENGTH, "AEAD_AES_256_GCM" },
};

static const char g_base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint8_t crypto_key_length(enum media_suite suite)
{
	for (size_t i = 0; i < COUNT_OF(g_suites); i++) {
		if (g_suites[i].suite == suite)
			return g_suites[i].length;
	}
	return 0;
}

const char *crypto_suite_name(enum media_suite suite)
{
	for (size_t i = 0; i < COUNT_OF(g_suites); i++) {
		if (g_suites[i].suite == suite)
			return g_suites[i].name;
	}
	return NULL;
}

void crypto_wipe(struct crypto *c)
{
	explicit_bzero(c, sizeof(*c));
}

/* Cuts a word off, up to any number of SP and HT (RFC 4568 9.1). False: nothing is left. */
static bool cut_word(struct bytes *rest, struct bytes *word)
{
	size_t n = 0;

	*rest = bytes_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	*word = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n);
	return n > 0;
}

/* Digits only, no leading zeroes (RFC 4568 4.1, 6.1). */
static int read_number(struct bytes digits, size_t digits_max, uint64_t *out)
{
	if (digits.n == 0 || digits.n > digits_max || (digits.n > 1 && digits.p[0] == '0') ||
	    bytes_u64(digits, out))
		return -EBADMSG;
	return 0;
}

static int read_tag(struct crypto *c, struct bytes word)
{
	uint64_t tag;

	if (read_number(word, TAG_DIGITS_MAX, &tag))
		return -EBADMSG;
	c->tag = (uint32_t)tag;
	return 0;
}

static int crypto_read_suite(struct crypto *c, struct bytes word)
{
	for (size_t i = 0; i < COUNT_OF(g_suites); i++) {
		if (!bytes_iis(word, g_suites[i].name))
			continue;
		c->key.suite = (uint8_t)g_suites[i].suite;
		c->key.length = g_suites[i].length;
		return 0;
	}
	return -ENOTSUP;
}

static int sextet(uint8_t digit)
{
	const char *at = digit ? strchr(g_base64, digit) : NULL;

	return at ? (int)(at - g_base64) : -1;
}

/* RFC 4568 6.1: one or two "=" at the end are discarded; the length must be that of the suite. */
static int read_key(struct media_key *key, struct bytes text)
{
	uint32_t bits = 0;
	uint8_t n = 0;

	for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
		text.n--;
	if (text.n != (key->length * 8U + 5) / 6)
		return -EBADMSG;
	for (size_t i = 0; i < text.n; i++) {
		int value = sextet(text.p[i]);

		if (value < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
		if ((i * 6 + 6) / 8 > n)
			key->octets[n++] = (uint8_t)(bits >> ((i * 6 + 6) % 8));
	}
	return 0;
}

static int read_lifetime(struct crypto *c, struct bytes text)
{
	uint64_t number;

	if (bytes_starts(text, "2^")) {
		if (read_number(bytes_from(text, 2), 2, &number) || number > LIFETIME_POWER_MAX)
			return -EBADMSG;
		number = UINT64_C(1) << number;
	} else if (read_number(text, LIFETIME_DIGITS_MAX, &number)) {
		return -EBADMSG;
	}
	if (number == 0 || number > UINT64_C(1) << LIFETIME_POWER_MAX)
		return -EBADMSG;
	c->lifetime = number;
	return 0;
}

/* RFC 4568 6.1: a positive integer and its octets in each packet, in network order (9.2). */
static int read_mki(struct media_key *key, struct bytes text)
{
	struct bytes value;
	uint64_t mki, length;

	(void)bytes_cut(&text, ':', &value);
	if (read_number(text, MKI_LENGTH_DIGITS_MAX, &length) || length == 0 ||
	    length > MKI_LENGTH_MAX)
		return -EBADMSG;
	if (length > MEDIA_MKI_MAX)
		return -ENOTSUP;
	if (read_number(value, MKI_DIGITS_MAX, &mki) || mki == 0 ||
	    (length < MEDIA_MKI_MAX && mki >> (8 * length) != 0))
		return -EBADMSG;
	key->mki_length = (uint8_t)length;
	for (uint8_t i = key->mki_length; i > 0; i--, mki >>= 8)
		key->mki[i - 1] = (uint8_t)mki;
	return 0;
}

/* RFC 4568 9.2: "inline:" key||salt ["|" lifetime] ["|" MKI ":" length]; only the MKI has a
 * colon. */
static int read_inline(struct crypto *c, struct bytes word)
{
	static const char method[] = "inline:";
	struct bytes rest = bytes_from(word, sizeof(method) - 1), key, field;

	if (!bytes_istarts(word, method))
		return -ENOTSUP;
	if (bytes_find(rest, ';') < rest.n) /* several keys, told apart by MKI */
		return -ENOTSUP;
	if (!bytes_cut(&rest, '|', &key) || read_key(&c->key, key))
		return -EBADMSG;
	if (!bytes_cut(&rest, '|', &field))
		return 0;
	if (bytes_find(field, ':') == field.n) {
		if (read_lifetime(c, field))
			return -EBADMSG;
		if (!bytes_cut(&rest, '|', &field))
			return 0;
	}
	if (bytes_find(field, ':') == field.n || rest.n > 0)
		return -EBADMSG;
	return read_mki(&c->key, field);
}

/* Parameters that change nothing for us: a hint, the order of FEC, and ignorable ones. */
static bool is_harmless(struct bytes parameter)
{
	return bytes_istarts(parameter, "WSH=") || bytes_iis(parameter, "FEC_ORDER=FEC_SRTP") ||
	       (parameter.n > 1 && parameter.p[0] == '-');
}

static int read_parameters(struct bytes rest)
{
	struct bytes word;

	while (cut_word(&rest, &word)) {
		if (!is_harmless(word))
			return -ENOTSUP;
	}
	return 0;
}

static int crypto_read_value(struct crypto *c, struct bytes rest)
{
	struct bytes tag, suite, key;
	int err;

	if (!cut_word(&rest, &tag) || !cut_word(&rest, &suite) || !cut_word(&rest, &key))
		return -EBADMSG;
	err = read_tag(c, tag);
	if (!err)
		err = crypto_read_suite(c, suite);
	if (!err)
		err = read_inline(c, key);
	return err ? err : read_parameters(rest);
}

int crypto_parse(struct crypto *out, struct bytes value)
{
	*out = (struct crypto){ 0 };

	int err = crypto_read_value(out, value);

	if (err)
		crypto_wipe(out);
	return err;
}

static void crypto_write_key(struct writer *w, const struct media_key *key)
{
	uint32_t bits = 0, held = 0;

	for (uint8_t i = 0; i < key->length; i++) {
		bits = bits << 8 | key->octets[i];
		for (held += 8; held >= 6; held -= 6)
			writer_u8(w, (uint8_t)g_base64[bits >> (held - 6) & 63]);
	}
	if (held)
		writer_u8(w, (uint8_t)g_base64[bits << (6 - held) & 63]);
	for (uint8_t i = key->length % 3; i % 3; i++) /* RFC 4648 4: to a multiple of four */
		writer_u8(w, '=');
}

static void write_mki(struct writer *w, const struct media_key *key)
{
	uint64_t mki = 0;

	for (uint8_t i = 0; i < key->mki_length; i++)
		mki = mki << 8 | key->mki[i];
	if (key->mki_length)
		writer_fmt(w, "|%llu:%u", (unsigned long long)mki, key->mki_length);
}

void crypto_write(struct writer *w, const struct crypto *c)
{
	const char *suite = crypto_suite_name(c->key.suite);

	assert(suite && c->key.length == crypto_key_length(c->key.suite));
	assert(c->tag <= CRYPTO_TAG_MAX);
	writer_fmt(w, "%u %s inline:", c->tag, suite);
	crypto_write_key(w, &c->key);
	if (c->lifetime)
		writer_fmt(w, "|%llu", (unsigned long long)c->lifetime);
	write_mki(w, &c->key);
}

bool crypto_next(const struct sdp *s, unsigned section, uint16_t *line, struct crypto *out)
{
	struct bytes value;

	while (sdp_attribute_next(s, section, "crypto", line, &value)) {
		if (crypto_parse(out, value) == 0)
			return true;
	}
	crypto_wipe(out);
	return false;
}
