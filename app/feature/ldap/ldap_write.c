/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of LDAP (RFC 4511 4.1.9, 4.5.2), encoded by liblber. An answer that has no room overflows
 * its writer, and leaves nothing there. */
#include <lber.h>
#include <string.h>

#include "app/feature/ldap/ldap.h"

enum { TAG_ENTRY = 0x64, TAG_DONE = 0x65 };

static void ber_put(struct writer *w, BerElement *ber, int rc)
{
	struct berval text;

	if (ber && rc != -1 && ber_flatten2(ber, &text, 0) != -1)
		writer_mem(w, text.bv_val, text.bv_len);
	else
		w->overflow = true;
	ber_free(ber, 1);
}

void ldap_result_write(struct writer *w, int32_t id, uint8_t tag, enum ldap_result result,
		       const char *why)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	int rc = ber ? ber_printf(ber, "{it{ess}}", (ber_int_t)id, (ber_tag_t)tag,
				  (ber_int_t)result, "", why)
		     : -1;

	ber_put(w, ber, rc);
}

/* No names, or "*": all attributes; "1.1" matches no attribute (RFC 4511 4.5.1.8). */
static bool name_is_wanted(const struct ldap_request *q, const char *name)
{
	bool wanted = !q->name_count;

	for (uint32_t i = 0; i < q->name_count; i++)
		wanted = wanted || bytes_is(q->names[i], "*") || bytes_iis(q->names[i], name);
	return wanted;
}

static int ldap_attribute_write(BerElement *ber, const struct ldap_request *q,
				const struct ldap_entry *e, uint32_t first)
{
	const char *name = e->values[first].name;
	int rc = ber_printf(ber, "{s[", name);

	for (uint32_t i = first; i < e->count && rc != -1 && !q->types_only; i++) {
		if (!strcmp(e->values[i].name, name))
			rc = ber_printf(ber, "o", (const char *)e->values[i].value.p,
					(ber_len_t)e->values[i].value.n);
	}
	return rc == -1 ? rc : ber_printf(ber, "]}");
}

static bool name_is_first(const struct ldap_entry *e, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		if (!strcmp(e->values[i].name, e->values[at].name))
			return false;
	}
	return true;
}

void ldap_entry_write(struct writer *w, const struct ldap_request *q, const struct ldap_entry *e)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	int rc =
		ber ? ber_printf(ber, "{it{s{", (ber_int_t)q->id, (ber_tag_t)TAG_ENTRY, e->dn) : -1;

	for (uint32_t i = 0; i < e->count && rc != -1; i++) {
		if (name_is_first(e, i) && name_is_wanted(q, e->values[i].name))
			rc = ldap_attribute_write(ber, q, e, i);
	}
	if (rc != -1)
		rc = ber_printf(ber, "}}}");
	ber_put(w, ber, rc);
}

void ldap_root_write(struct writer *w, const struct ldap_request *q, const char *tenant, bool tls)
{
	struct ldap_request all = *q;
	static struct ldap_entry e; /* large for a stack */
	struct writer name = writer_over(e.room, sizeof(e.room));

	e.count = 0;
	all.name_count = 0; /* operational ones are asked for by name */
	e.values[e.count++] = (struct ldap_value){ "objectClass", BYTES_LIT("top") };
	e.values[e.count++] = (struct ldap_value){ "supportedLDAPVersion", BYTES_LIT("3") };
	e.values[e.count++] = (struct ldap_value){ "vendorName", BYTES_LIT("tandem") };
	if (tls)
		e.values[e.count++] =
			(struct ldap_value){ "supportedExtension", BYTES_LIT(LDAP_START_TLS) };
	if (tenant[0]) {
		WRITER_TEXTS(&name, "o=", tenant);
		e.values[e.count++] = (struct ldap_value){ "namingContexts", writer_done(&name) };
	}
	ldap_entry_write(w, &all, &e);
	ldap_result_write(w, q->id, TAG_DONE, LDAP_RESULT_SUCCESS, "");
}
