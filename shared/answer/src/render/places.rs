//! The English names of countries and continents, for people.
//!
//! Codes are those of ISO 3166-1, and XK; the names are those in daily use, so that a table of mirrors stays narrow.

/// Ascending by code: the code, a blank and the name; then a semicolon.
const COUNTRIES: &str = "\
    AD Andorra;AE United Arab Emirates;AF Afghanistan;AG Antigua and Barbuda;AI Anguilla;AL Albania;\
    AM Armenia;AO Angola;AQ Antarctica;AR Argentina;AS American Samoa;AT Austria;AU Australia;AW Aruba;\
    AX Åland Islands;AZ Azerbaijan;BA Bosnia and Herzegovina;BB Barbados;BD Bangladesh;BE Belgium;\
    BF Burkina Faso;BG Bulgaria;BH Bahrain;BI Burundi;BJ Benin;BL Saint Barthélemy;BM Bermuda;BN Brunei;\
    BO Bolivia;BQ Caribbean Netherlands;BR Brazil;BS Bahamas;BT Bhutan;BV Bouvet Island;BW Botswana;\
    BY Belarus;BZ Belize;CA Canada;CC Cocos Islands;CD Congo (Kinshasa);CF Central African Republic;\
    CG Congo (Brazzaville);CH Switzerland;CI Côte d’Ivoire;CK Cook Islands;CL Chile;CM Cameroon;CN China;\
    CO Colombia;CR Costa Rica;CU Cuba;CV Cape Verde;CW Curaçao;CX Christmas Island;CY Cyprus;CZ Czechia;\
    DE Germany;DJ Djibouti;DK Denmark;DM Dominica;DO Dominican Republic;DZ Algeria;EC Ecuador;EE Estonia;\
    EG Egypt;EH Western Sahara;ER Eritrea;ES Spain;ET Ethiopia;FI Finland;FJ Fiji;FK Falkland Islands;\
    FM Micronesia;FO Faroe Islands;FR France;GA Gabon;GB United Kingdom;GD Grenada;GE Georgia;\
    GF French Guiana;GG Guernsey;GH Ghana;GI Gibraltar;GL Greenland;GM Gambia;GN Guinea;GP Guadeloupe;\
    GQ Equatorial Guinea;GR Greece;GS South Georgia;GT Guatemala;GU Guam;GW Guinea-Bissau;GY Guyana;\
    HK Hong Kong;HM Heard Island;HN Honduras;HR Croatia;HT Haiti;HU Hungary;ID Indonesia;IE Ireland;\
    IL Israel;IM Isle of Man;IN India;IO British Indian Ocean Territory;IQ Iraq;IR Iran;IS Iceland;IT Italy;\
    JE Jersey;JM Jamaica;JO Jordan;JP Japan;KE Kenya;KG Kyrgyzstan;KH Cambodia;KI Kiribati;KM Comoros;\
    KN Saint Kitts and Nevis;KP North Korea;KR South Korea;KW Kuwait;KY Cayman Islands;KZ Kazakhstan;LA Laos;\
    LB Lebanon;LC Saint Lucia;LI Liechtenstein;LK Sri Lanka;LR Liberia;LS Lesotho;LT Lithuania;LU Luxembourg;\
    LV Latvia;LY Libya;MA Morocco;MC Monaco;MD Moldova;ME Montenegro;MF Saint Martin;MG Madagascar;\
    MH Marshall Islands;MK North Macedonia;ML Mali;MM Myanmar;MN Mongolia;MO Macao;\
    MP Northern Mariana Islands;MQ Martinique;MR Mauritania;MS Montserrat;MT Malta;MU Mauritius;MV Maldives;\
    MW Malawi;MX Mexico;MY Malaysia;MZ Mozambique;NA Namibia;NC New Caledonia;NE Niger;NF Norfolk Island;\
    NG Nigeria;NI Nicaragua;NL Netherlands;NO Norway;NP Nepal;NR Nauru;NU Niue;NZ New Zealand;OM Oman;\
    PA Panama;PE Peru;PF French Polynesia;PG Papua New Guinea;PH Philippines;PK Pakistan;PL Poland;\
    PM Saint Pierre and Miquelon;PN Pitcairn;PR Puerto Rico;PS Palestine;PT Portugal;PW Palau;PY Paraguay;\
    QA Qatar;RE Réunion;RO Romania;RS Serbia;RU Russia;RW Rwanda;SA Saudi Arabia;SB Solomon Islands;\
    SC Seychelles;SD Sudan;SE Sweden;SG Singapore;SH Saint Helena;SI Slovenia;SJ Svalbard and Jan Mayen;\
    SK Slovakia;SL Sierra Leone;SM San Marino;SN Senegal;SO Somalia;SR Suriname;SS South Sudan;\
    ST São Tomé and Príncipe;SV El Salvador;SX Sint Maarten;SY Syria;SZ Eswatini;TC Turks and Caicos Islands;\
    TD Chad;TF French Southern Territories;TG Togo;TH Thailand;TJ Tajikistan;TK Tokelau;TL Timor-Leste;\
    TM Turkmenistan;TN Tunisia;TO Tonga;TR Türkiye;TT Trinidad and Tobago;TV Tuvalu;TW Taiwan;TZ Tanzania;\
    UA Ukraine;UG Uganda;UM US Outlying Islands;US United States;UY Uruguay;UZ Uzbekistan;VA Vatican City;\
    VC Saint Vincent;VE Venezuela;VG British Virgin Islands;VI US Virgin Islands;VN Vietnam;VU Vanuatu;\
    WF Wallis and Futuna;WS Samoa;XK Kosovo;YE Yemen;YT Mayotte;ZA South Africa;ZM Zambia;ZW Zimbabwe\
";

/// Where the row of each code begins and ends in [`COUNTRIES`], by the code; worked out by the compiler.
static ROWS: [(u16, u16); 26 * 26] = rows(COUNTRIES.as_bytes());

const fn rows(text: &[u8]) -> [(u16, u16); 26 * 26] {
    let mut rows = [(0, 0); 26 * 26];
    let mut start = 0;
    while start < text.len() {
        let mut end = start;
        while end < text.len() && text[end] != b';' {
            end += 1;
        }
        rows[number([text[start], text[start + 1]])] = (start as u16 + 3, end as u16);
        start = end + 1;
    }
    rows
}

const fn number(code: [u8; 2]) -> usize {
    (code[0] - b'A') as usize * 26 + (code[1] - b'A') as usize
}

/// The name of a country; its code where none is known.
pub fn country(code: &str) -> &str {
    let &[a @ b'A'..=b'Z', b @ b'A'..=b'Z'] = code.as_bytes() else { return code };
    match ROWS[number([a, b])] {
        (_, 0) => code,
        (from, to) => COUNTRIES.get(from.into()..to.into()).unwrap_or(code),
    }
}

/// The name of a continent; its code where none is known.
pub fn continent(code: &str) -> &str {
    match code {
        "AF" => "Africa",
        "AN" => "Antarctica",
        "AS" => "Asia",
        "EU" => "Europe",
        "NA" => "North America",
        "OC" => "Oceania",
        "SA" => "South America",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_codes_stand_for_those_that_are_not() {
        assert_eq!(
            ["AD", "DE", "ZW", "XX", "A1"].map(country),
            ["Andorra", "Germany", "Zimbabwe", "XX", "A1"]
        );
        assert_eq!(["EU", "XX"].map(continent), ["Europe", "XX"]);
    }

    #[test]
    fn every_row_is_a_code_and_a_name_and_none_comes_twice() {
        let rows: Vec<(&str, &str)> = COUNTRIES.split(';').map(|row| row.split_once(' ').unwrap()).collect();
        assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(rows.iter().all(|(code, name)| code.len() == 2 && name.trim() == *name && name.len() > 2));
        assert_eq!(rows.len(), 250);
    }
}
