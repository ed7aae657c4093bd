/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/jwt.h"
#include "app/helper/push_seal.h"
#include "base/base64url.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

/* RFC 8291 5 and appendix A. */
#define PLAIN  "When I grow up, I want to be a watermelon"
#define SENDER "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
#define RECEIVER \
	"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define AUTH "BTBZMqHH6r4Tts7J_aSIgg"
#define SALT "DGv6ra1nlYgDCS1FRnbzlw"
#define POINT \
	"BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
#define BODY                                                                               \
	"DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vC" \
	"YLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXL" \
	"WyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"

static void octets_of(uint8_t *out, size_t size, const char *text)
{
	size_t n = 0;

	assert_int_equal(base64url_decode(bytes_str(text), out, size, &n), 0);
	assert_int_equal(n, size);
}

static const char *text_of(const void *p, size_t n)
{
	static char text[8192];
	struct writer w = writer_over(text, sizeof(text) - 1);

	base64url_write(&w, bytes_mem(p, n));
	text[w.n] = '\0';
	return text;
}

static struct push_content example(void)
{
	struct push_content c = { .plain = BYTES_LIT(PLAIN) };
	uint8_t scalar[PUSH_SCALAR];

	octets_of(scalar, sizeof(scalar), SENDER);
	assert_int_equal(push_pair_of(&c.sender, scalar), 0);
	octets_of(c.receiver, sizeof(c.receiver), RECEIVER);
	octets_of(c.auth, sizeof(c.auth), AUTH);
	octets_of(c.salt, sizeof(c.salt), SALT);
	return c;
}

static void example_of_rfc_8291(void **state)
{
	struct push_content c = example();
	uint8_t body[PUSH_BODY_MAX];
	struct writer w = writer_over(body, sizeof(body));

	(void)state;
	assert_string_equal(text_of(c.sender.point, PUSH_POINT), POINT);
	assert_int_equal(push_encrypt(&w, &c), 0);
	assert_string_equal(text_of(body, w.n), BODY);
}

static void bounds(void **state)
{
	static uint8_t plain[PUSH_PLAIN_MAX + 1], body[PUSH_BODY_MAX];
	struct push_content c = example();
	struct writer w = writer_over(body, sizeof(body));

	(void)state;
	c.plain = bytes_mem(plain, PUSH_PLAIN_MAX);
	assert_int_equal(push_encrypt(&w, &c), 0);
	assert_int_equal(w.n, PUSH_BODY_MAX);
	w.n = 0;
	c.plain.n++;
	assert_int_equal(push_encrypt(&w, &c), -EINVAL);
	assert_int_equal(w.n, 0);
}

static void receivers_that_are_none(void **state)
{
	struct push_content c = example();
	uint8_t body[PUSH_BODY_MAX];
	struct writer w = writer_over(body, sizeof(body));

	(void)state;
	c.receiver[PUSH_POINT - 1] ^= 1; /* beside the curve */
	assert_int_not_equal(push_encrypt(&w, &c), 0);
	memset(c.receiver, 0, sizeof(c.receiver));
	assert_int_not_equal(push_encrypt(&w, &c), 0);
	assert_int_equal(w.n, 0);
}

static void pairs(void **state)
{
	static const uint8_t zero[PUSH_SCALAR], key[32] = { 7 };
	struct push_pair one, same, other;
	uint8_t most[PUSH_SCALAR];

	(void)state;
	memset(most, 0xff, sizeof(most));
	assert_int_equal(push_pair_of(&one, zero), -EINVAL);
	assert_int_equal(push_pair_of(&one, most), -EINVAL);
	assert_int_equal(push_pair_derive(&one, key, BYTES_LIT("a")), 0);
	assert_int_equal(push_pair_derive(&same, key, BYTES_LIT("a")), 0);
	assert_int_equal(push_pair_derive(&other, key, BYTES_LIT("b")), 0);
	assert_memory_equal(&one, &same, sizeof(one));
	assert_memory_not_equal(&one, &other, sizeof(one));
}

/* The verifier of ID tokens reads it. */
static void vapid(void **state)
{
	static const uint8_t key[32] = { 7 };
	char text[PUSH_VAPID_MAX + 1], x[64], y[64];
	struct writer w = writer_over(text, PUSH_VAPID_MAX);
	struct bytes left, token;
	struct push_pair own;
	struct jwt jwt;
	json_t *set;

	(void)state;
	assert_int_equal(push_pair_derive(&own, key, BYTES_LIT("default")), 0);
	assert_int_equal(push_vapid_write(&w, &own, BYTES_LIT("https://push.example.net"),
					  "mailto:admin@example.org", 1795819317),
			 0);
	left = writer_done(&w);
	assert_true(bytes_starts(left, "vapid t="));
	left = bytes_from(left, 8);
	assert_true(bytes_cut(&left, ',', &token));
	assert_true(bytes_starts(left, " k="));
	assert_true(bytes_is(bytes_from(left, 3), text_of(own.point, PUSH_POINT)));
	(void)strcpy(x, text_of(own.point + 1, PUSH_SCALAR));
	(void)strcpy(y, text_of(own.point + 1 + PUSH_SCALAR, PUSH_SCALAR));
	set = json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "keys", "kty", "EC", "crv", "P-256", "x", x,
			"y", y);
	assert_int_equal(jwt_parse(&jwt, token), 0);
	assert_true(jwt_is_signed(&jwt, set));
	assert_string_equal(json_string_value(json_object_get(jwt.claims, "aud")),
			    "https://push.example.net");
	assert_string_equal(json_string_value(json_object_get(jwt.claims, "sub")),
			    "mailto:admin@example.org");
	assert_int_equal(json_integer_value(json_object_get(jwt.claims, "exp")), 1795819317);
	jwt_drop(&jwt);
	json_decref(set);
	w = writer_over(text, 64);
	assert_int_equal(push_vapid_write(&w, &own, BYTES_LIT("https://push.example.net"), "", 1),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_of_rfc_8291),
		cmocka_unit_test(bounds),
		cmocka_unit_test(receivers_that_are_none),
		cmocka_unit_test(pairs),
		cmocka_unit_test(vapid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
