/* SPDX-License-Identifier: Apache-2.0 */
/* Where a phone stands: a civic address, and the PIDF-LO that says so (RFC 4119, RFC 5139). Pure. */
#ifndef SIG_IDENTITY_CIVIC_H
#define SIG_IDENTITY_CIVIC_H

#include "base/bytes.h"

/* id, element, field, help; in the order of the schema (RFC 5139 4). */
#define CIVIC_FIELDS(X)                                                                \
	X(COUNTRY, "country", "country", "Country by its two letters (ISO 3166): US.") \
	X(A1, "A1", "state", "State, province, region.")                               \
	X(A2, "A2", "county", "County, parish, district.")                             \
	X(A3, "A3", "city", "City, township.")                                         \
	X(A4, "A4", "borough", "Borough, division of a city.")                         \
	X(PRD, "PRD", "street_before", "Direction before the name of the street: N.")  \
	X(RD, "RD", "street", "Name of the street.")                                   \
	X(STS, "STS", "street_type", "What kind of street it is: Avenue.")             \
	X(POD, "POD", "street_behind", "Direction behind the name of the street: SW.") \
	X(HNO, "HNO", "house", "House number, the digits alone.")                      \
	X(HNS, "HNS", "house_suffix", "What stands behind the house number: A, 1/2.")  \
	X(LMK, "LMK", "landmark", "Landmark: Mensa of the university.")                \
	X(LOC, "LOC", "details", "How to find it: behind the second gate.")            \
	X(FLR, "FLR", "floor", "Floor.")                                               \
	X(NAM, "NAM", "occupant", "Whose place it is: a company, a name at the door.") \
	X(PC, "PC", "postcode", "Postal code.")                                        \
	X(BLD, "BLD", "building", "Building, of several.")                             \
	X(UNIT, "UNIT", "unit", "Apartment, suite.")                                   \
	X(ROOM, "ROOM", "room", "Room.")                                               \
	X(SEAT, "SEAT", "seat", "Desk, cubicle.")

enum civic_field {
#define X(id, element, name, help) CIVIC_##id,
	CIVIC_FIELDS(X)
#undef X
		CIVIC_COUNT
};

enum { CIVIC_MAX = 64 };

struct civic {
	char field[CIVIC_COUNT][CIVIC_MAX]; /* "": not said */
};

/* entity: of the pres: URI whose place it is. */
void civic_write_pidf(struct writer *w, const struct civic *civic, struct bytes user,
		      struct bytes host);

#endif
