/* SPDX-License-Identifier: Apache-2.0 */
/* The location of a party (pidf.h): finds the PIDF-LO that Geolocation names in the body of an
 * INVITE (RFC 6442, RFC 2392), writes it into ours with a Content-ID of our own, and writes a
 * PIDF-LO of a civic address from a site's document (RFC 5139). The content of a received one is
 * relayed without interpretation. Pure. */

#include <string.h>

#include "sig/identity/pidf.h"
#include "sig/sip/body.h"
#include "sig/sip/lex.h"

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

enum { CID_MAX = 256 };

/* RFC 2392: a cid is on no real host. */
#define CID_HOST "@tandem.invalid"

static bool is_text(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

bool pidf_is_valid(struct bytes pidf)
{
	struct bytes text = bytes_trim(pidf);

	return pidf.n && pidf.n <= PIDF_MAX && text.n && text.p[0] == '<' &&
	       text.p[text.n - 1] == '>' && is_text(pidf) &&
	       !memmem(pidf.p, pidf.n, PIDF_BOUNDARY, sizeof(PIDF_BOUNDARY) - 1);
}

/* "x%40y" of "<cid:x%40y>" is "x@y". False: it is no such URI. */
static bool cid_read(struct bytes value, char out[CID_MAX], struct bytes *id)
{
	struct sip_name_addr a;
	size_t n;

	if (sip_name_addr_parse(&a, bytes_trim(value)) || !bytes_iis(a.uri.scheme, "cid") ||
	    sip_user_unescape(bytes_from(a.uri.all, a.uri.scheme.n + 1), out, CID_MAX, &n))
		return false;
	*id = bytes_mem(out, n);
	return true;
}

static bool pidf_part_find(const struct sip_message *m, struct bytes id, struct bytes *pidf)
{
	struct body_part whole = { .type = m->content_type, .octets = m->body }, part;

	(void)message_header(m, "Content-Encoding", 0, &whole.coding);
	if (!body_part_find(&whole, id, &part) || !body_part_is(&part, PIDF_TYPE) ||
	    !pidf_is_valid(part.octets))
		return false;
	*pidf = part.octets;
	return true;
}

struct bytes pidf_of(const struct sip_message *m)
{
	struct bytes value, element, id, pidf = { 0 };
	char space[CID_MAX];

	for (unsigned i = 0; message_header(m, "Geolocation", i, &value); i++) {
		while (lex_element(&value, &element)) {
			if (cid_read(element, space, &id) && pidf_part_find(m, id, &pidf))
				return pidf;
		}
	}
	return pidf;
}

void pidf_write_header(struct writer *w, struct bytes id)
{
	writer_str(w, "Geolocation: <cid:");
	writer_bytes(w, id);
	writer_str(w, CID_HOST ">\r\n");
}

static void pidf_part_write(struct writer *w, const char *type, struct bytes octets)
{
	WRITER_TEXTS(w, "Content-Type: ", type, "\r\n\r\n");
	writer_bytes(w, octets);
	writer_str(w, "\r\n--" PIDF_BOUNDARY);
}

void pidf_write_body(struct writer *w, struct bytes id, struct bytes sdp, struct bytes pidf)
{
	writer_str(w, "--" PIDF_BOUNDARY "\r\n");
	if (sdp.n) {
		pidf_part_write(w, "application/sdp", sdp);
		writer_str(w, "\r\n");
	}
	writer_str(w, "Content-ID: <");
	writer_bytes(w, id);
	writer_str(w, CID_HOST ">\r\n");
	pidf_part_write(w, PIDF_TYPE, pidf);
	writer_str(w, "--\r\n");
}
