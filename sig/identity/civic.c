/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/identity/civic.h"

#include "sig/sip/lex.h"
#include "sig/sip/xml.h"

static const char *const g_elements[CIVIC_COUNT] = {
#define X(id, element, name, help) element,
	CIVIC_FIELDS(X)
#undef X
};

static void civic_write_entity(struct writer *w, struct bytes user, struct bytes host)
{
	writer_str(w, " entity=\"pres:");
	xml_write(w, lex_is_token(user) ? user : BYTES_LIT("anonymous"));
	writer_str(w, "@");
	xml_write(w, host);
	writer_str(w, "\">\r\n");
}

/* RFC 5139 3.1: white space within an element counts. */
static void civic_write_address(struct writer *w, const struct civic *civic)
{
	writer_str(w, "<ca:civicAddress>\r\n");
	for (unsigned i = 0; i < CIVIC_COUNT; i++) {
		if (!civic->field[i][0])
			continue;
		WRITER_TEXTS(w, "<ca:", g_elements[i], ">");
		xml_write(w, bytes_str(civic->field[i]));
		WRITER_TEXTS(w, "</ca:", g_elements[i], ">\r\n");
	}
	writer_str(w, "</ca:civicAddress>\r\n");
}

void civic_write_pidf(struct writer *w, const struct civic *civic, struct bytes user,
		      struct bytes host)
{
	writer_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"\r\n"
		      " xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\"\r\n"
		      " xmlns:gbp=\"urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy\"\r\n"
		      " xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\"\r\n");
	civic_write_entity(w, user, host);
	writer_str(w, "<tuple id=\"phone\"><status><gp:geopriv><gp:location-info>\r\n");
	civic_write_address(w, civic);
	writer_str(w, "</gp:location-info><gp:usage-rules>"
		      "<gbp:retransmission-allowed>true</gbp:retransmission-allowed>"
		      "</gp:usage-rules><gp:method>Manual</gp:method></gp:geopriv></status>"
		      "</tuple></presence>\r\n");
}
