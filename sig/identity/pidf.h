/* SPDX-License-Identifier: Apache-2.0 */
/* The location of a party in its INVITE: a PIDF-LO (RFC 4119) that "Geolocation: <cid:...>" names
 * (RFC 6442 4.1). It is relayed unchanged: the node does not interpret it. Pure. */
#ifndef SIG_IDENTITY_PIDF_H
#define SIG_IDENTITY_PIDF_H

#include "base/bytes.h"
#include "sig/sip/message.h"

#define PIDF_TYPE     "application/pidf+xml"
#define PIDF_BOUNDARY "=_tandem-location_="
#define PIDF_MIXED    "multipart/mixed;boundary=\"" PIDF_BOUNDARY "\""

/* Over UDP it still has to fit in addition to an offer. */
enum { PIDF_MAX = 4096 };

/* Text that can be a part of a body, and looks like a document. */
bool pidf_is_valid(struct bytes pidf);
/* The first one that the message names and contains; empty: none that can be relayed. A slice of
 * its body. */
struct bytes pidf_of(const struct sip_message *m);
/* "Geolocation: <cid:...>". id: a name of the call's own. */
void pidf_write_header(struct writer *w, struct bytes id);
/* A body of PIDF_MIXED: the session, where there is one, and the location. */
void pidf_write_body(struct writer *w, struct bytes id, struct bytes sdp, struct bytes pidf);

/* The site of a phone: a civic address, and its PIDF-LO (RFC 4119, RFC 5139). Pure. */

/* id, element, field, help; in the order of the schema (RFC 5139 4). */
#define CIVIC_FIELDS(X)                                                                 \
	X(COUNTRY, "country", "country", "Country by its two letters (ISO 3166): US.")  \
	X(A1, "A1", "state", "State, province, region.")                                \
	X(A2, "A2", "county", "County, parish, district.")                              \
	X(A3, "A3", "city", "City, township.")                                          \
	X(A4, "A4", "borough", "Borough, division of a city.")                          \
	X(PRD, "PRD", "street_before", "Direction before the name of the street: N.")   \
	X(RD, "RD", "street", "Name of the street.")                                    \
	X(STS, "STS", "street_type", "What kind of street it is: Avenue.")              \
	X(POD, "POD", "street_behind", "Direction behind the name of the street: SW.")  \
	X(HNO, "HNO", "house", "House number, the digits alone.")                       \
	X(HNS, "HNS", "house_suffix", "What stands behind the house number: A, 1/2.")   \
	X(LMK, "LMK", "landmark", "Landmark: Mensa of the university.")                 \
	X(LOC, "LOC", "details", "How to find it: behind the second gate.")             \
	X(FLR, "FLR", "floor", "Floor.")                                                \
	X(NAM, "NAM", "occupant", "Owner of the place: a company, a name at the door.") \
	X(PC, "PC", "postcode", "Postal code.")                                         \
	X(BLD, "BLD", "building", "Building, of several.")                              \
	X(UNIT, "UNIT", "unit", "Apartment, suite.")                                    \
	X(ROOM, "ROOM", "room", "Room.")                                                \
	X(SEAT, "SEAT", "seat", "Desk, cubicle.")

enum civic_field {
#define X(id, element, name, help) CIVIC_##id,
	CIVIC_FIELDS(X)
#undef X
		CIVIC_COUNT
};

enum { CIVIC_MAX = 64 };

struct civic {
	char field[CIVIC_COUNT][CIVIC_MAX]; /* "": not set */
};

/* entity: the pres: URI that has this location. */
void civic_write_pidf(struct writer *w, const struct civic *civic, struct bytes user,
		      struct bytes host);

#endif
