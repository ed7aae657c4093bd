/* SPDX-License-Identifier: Apache-2.0 */
/* What a phone with a password answers to a challenge (RFC 7616 3.4). */
#ifndef TESTS_UNIT_SIG_SIP_CREDENTIALS_H
#define TESTS_UNIT_SIG_SIP_CREDENTIALS_H

#include "sig/sip/digest.h"
#include "tests/unit/sig/phone.h"

/* "nonce" of the challenge line that names the algorithm. */
RIG_FN struct bytes credentials_nonce(struct bytes response, const char *algorithm)
{
	struct bytes line;

	while (bytes_cut(&response, '\n', &line)) {
		const uint8_t *at = line.p ? memmem(line.p, line.n, "nonce=\"", 7) : NULL;

		if (!at || !rig_has(line, "-Authenticate: Digest ") || !rig_has(line, algorithm))
			continue;
		line = bytes_from(line, (size_t)(at - line.p) + 7);
		return bytes_sub(line, 0, bytes_find(line, '"'));
	}
	return (struct bytes){ 0 };
}

/* The (Proxy-)Authorization line for a request, or "" when there was no challenge. nc: eight hexadecimal digits. */
RIG_FN const char *credentials_in(char out[1024], struct bytes challenge, const char *header,
				  const char *realm, enum digest_algorithm algorithm,
				  const char *user, const char *password, const char *method,
				  const char *uri, const char *nc)
{
	struct bytes ha1_parts[] = { bytes_str(user), bytes_str(realm), bytes_str(password) };
	struct bytes ha2_parts[] = { bytes_str(method), bytes_str(uri) };
	struct bytes nonce = credentials_nonce(challenge, digest_name(algorithm));
	struct digest_text ha1, ha2, response;
	bool ok;

	out[0] = '\0';
	if (nonce.n == 0)
		return out;
	ok = digest_hash_text(algorithm, ha1_parts, 3, &ha1) &&
	     digest_hash_text(algorithm, ha2_parts, 2, &ha2);
	{
		struct bytes parts[] = { digest_text_bytes(&ha1), nonce,
					 bytes_str(nc),           bytes_str("c0ffee"),
					 bytes_str("auth"),       digest_text_bytes(&ha2) };

		ok = ok && digest_hash_text(algorithm, parts, 6, &response);
	}
	assert(ok);
	(void)ok;
	(void)snprintf(out, 1024,
		       "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"" BYTES_FMT
		       "\", uri=\"%s\", response=\"%.*s\", algorithm=%s, qop=auth, nc=%s, "
		       "cnonce=\"c0ffee\"\r\n",
		       header, user, realm, BYTES_ARG(nonce), uri, (int)response.n, response.p,
		       digest_name(algorithm), nc);
	return out;
}

RIG_FN const char *credentials_count(char out[1024], struct bytes challenge, const char *header,
				     enum digest_algorithm algorithm, const char *user,
				     const char *password, const char *method, const char *uri,
				     const char *nc)
{
	return credentials_in(out, challenge, header, "test.local", algorithm, user, password,
			      method, uri, nc);
}

RIG_FN const char *credentials_make(char out[1024], struct bytes challenge, const char *header,
				    enum digest_algorithm algorithm, const char *user,
				    const char *password, const char *method, const char *uri)
{
	return credentials_count(out, challenge, header, algorithm, user, password, method, uri,
				 "00000001");
}

#endif
