/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls/identity.h"

#include <openssl/x509v3.h>

typedef bool identity_fn(struct bytes identity, void *arg);

static struct bytes string_bytes(const ASN1_STRING *s)
{
	return bytes_mem(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* RFC 5922 7.1: "sip:" and a host alone. A user there makes it somebody's, not the domain's. */
static bool uri_identity(struct bytes uri, struct bytes *out)
{
	struct bytes scheme;

	if (!bytes_cut(&uri, ':', &scheme) || !bytes_iis(scheme, "sip") || !uri.n ||
	    memchr(uri.p, '@', uri.n))
		return false;
	for (size_t i = 0; i < uri.n; i++) {
		if (uri.p[i] == ';' || uri.p[i] == '?' || uri.p[i] == ':')
			uri.n = i;
	}
	*out = uri;
	return uri.n != 0;
}

static bool name_identity(const GENERAL_NAME *name, int type, struct bytes *out)
{
	if (name->type != type)
		return false;
	if (type == GEN_URI)
		return uri_identity(string_bytes(name->d.uniformResourceIdentifier), out);
	*out = string_bytes(name->d.dNSName);
	return out->n != 0;
}

/* How many there are of that type, up to the one that each says it looks for. */
static uint32_t identities_walk(const GENERAL_NAMES *names, int type, identity_fn *each, void *arg)
{
	struct bytes identity;
	uint32_t n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (!name_identity(sk_GENERAL_NAME_value(names, i), type, &identity))
			continue;
		n++;
		if (each(identity, arg))
			break;
	}
	return n;
}

/* A DNS name counts only where no SIP URI is a domain's. */
static void identities_each(const X509 *certificate, identity_fn *each, void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	if (names && !identities_walk(names, GEN_URI, each, arg))
		(void)identities_walk(names, GEN_DNS, each, arg);
	GENERAL_NAMES_free(names);
}

struct identity_search {
	struct bytes domain;
	bool found;
};

static bool identity_compare(struct bytes identity, void *arg)
{
	struct identity_search *s = arg;

	s->found = bytes_ieq(identity, s->domain);
	return s->found;
}

bool tls_identity_is(const X509 *certificate, const char *domain)
{
	struct identity_search s = { .domain = bytes_str(domain) };

	if (s.domain.n)
		identities_each(certificate, identity_compare, &s);
	return s.found;
}

static bool identity_write(struct bytes identity, void *arg)
{
	struct writer *w = arg;

	if (w->cap - w->n <= identity.n)
		return true;
	if (w->n)
		writer_str(w, ",");
	writer_bytes(w, identity);
	return false;
}

void tls_identities_write(struct writer *w, const X509 *certificate)
{
	identities_each(certificate, identity_write, w);
}
