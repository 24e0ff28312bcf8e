"""The question "Did you mean …?": asked about every usual slip, and about no real domain."""

from __future__ import annotations

import json

import pytest

from leadintake.leads.intake.suggestions import encode_slips, suggest

SLIPS = {
    "gmail.com": """gmial.com gmai.com gamil.com gmal.com gmil.com gmaill.com gmaiil.com ggmail.com gnail.com
        gmsil.com gmali.com mgail.com gmail.con gmail.co gmail.cm gmail.om gmail.comm gmail.vom gmail.cpm
        gmial.con gmai.co""",
    "googlemail.com": "googlemial.com goglemail.com googlemail.con",
    "hotmail.com": """hotmial.com hotmal.com hotmai.com hotmil.com homail.com hotmaill.com hormail.com
        hotmail.con""",
    "yahoo.com": "yaho.com yahooo.com yhoo.com yahho.com yaoo.com yahoo.con yahoo.cm yaho.co",
    "outlook.com": "outlok.com outloook.com oulook.com outlook.con outllook.com outlook.co otulook.com",
    "icloud.com": "icloud.co icoud.com iclould.com iclod.com icluod.com icloud.con",
    "comcast.net": "comcst.net comcast.nett comcats.net",
    "hotmail.co.uk": "hotmial.co.uk",
    "yahoo.com.mx": "yaho.com.mx",
    "yahoo.es": "yahooo.es",
    "aol.com": "aol.con aol.vom",
    "smith-law.com": "smith-law.con",
    "uni.example.org": "uni.example.ogr",
}
REAL = """
    gail.com gmail.com googlemail.com ymail.com rocketmail.com email.com mail.com imail.com umail.com
    qmail.com yahoo.com yahoo.co.uk yahoo.com.mx yahoo.es yahoo.fr yahoo.de yahoo.it yahoo.ca
    yahoo.com.br yahoo.co.in yahoo.in yahoo.com.ar yahoo.com.ph yahoo.com.sg yahoo.com.au
    yahoo.co.jp yahoo.co.id yahoo.ie yahoo.gr yahoo.com.vn hotmail.com hotmail.co.uk hotmail.es
    hotmail.fr hotmail.de hotmail.it hotmail.ca hotmail.com.mx hotmail.com.ar hotmail.com.br
    hotmail.nl hotmail.be hotmail.se outlook.com outlook.es outlook.fr outlook.de outlook.it
    outlook.com.br outlook.com.ar outlook.jp outlook.ie live.com live.co.uk live.fr live.nl live.ca
    live.com.mx live.com.au live.it live.se msn.com passport.com icloud.com me.com mac.com aol.com
    aol.co.uk aol.de aim.com gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.us web.de t-online.de
    freenet.de arcor.de posteo.de mailbox.org mail.de mail.ru bk.ru list.ru inbox.ru inbox.lv
    yandex.ru yandex.com ya.ru rambler.ru ukr.net i.ua meta.ua proton.me protonmail.com
    protonmail.ch pm.me tutanota.com tuta.io tuta.com hushmail.com fastmail.com fastmail.fm hey.com
    zoho.com zohomail.com runbox.com startmail.com disroot.org riseup.net comcast.net verizon.net
    att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net
    optonline.net frontier.com centurylink.net windstream.net roadrunner.com rr.com suddenlink.net
    mindspring.com q.com usa.net excite.com lycos.com btinternet.com btopenworld.com
    blueyonder.co.uk virginmedia.com ntlworld.com sky.com talktalk.net tiscali.co.uk orange.fr
    wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr libero.it virgilio.it alice.it tin.it
    tiscali.it fastwebnet.it pec.it telefonica.net terra.es terra.com.br uol.com.br bol.com.br
    ig.com.br globo.com prodigy.net.mx infinitum.com.mx ziggo.nl xs4all.nl planet.nl kpnmail.nl
    telenet.be skynet.be proximus.be bluewin.ch hispeed.ch sunrise.ch aon.at chello.at telia.com
    bredband.net online.no telenor.no wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz email.cz
    azet.sk freemail.hu citromail.hu abv.bg otenet.gr walla.co.il bezeqint.net qq.com 163.com
    126.com sina.com sohu.com foxmail.com 139.com naver.com hanmail.net daum.net nate.com
    docomo.ne.jp ezweb.ne.jp softbank.ne.jp rediffmail.com sify.com bigpond.com optusnet.com.au
    iinet.net.au xtra.co.nz shaw.ca rogers.com sympatico.ca telus.net videotron.ca bell.net
    mweb.co.za vodamail.co.za harvard.edu yale.edu mit.edu stanford.edu berkeley.edu umail.ucsb.edu
    g.ucla.edu columbia.edu nyu.edu ox.ac.uk cam.ac.uk unam.mx uba.ar uchile.cl usp.br
    student.uva.nl gmail.harvard.edu lw.com kirkland.com skadden.com jonesday.com whitecase.com
    bakermckenzie.com dlapiper.com cooley.com fragomen.com bal.com alston.com hklaw.com gtlaw.com
    orrick.com wilmerhale.com ropesgray.com cloud.com wahoo.com photon.com proton.com
    outlooksoft.com google.com yahoo-inc.com microsoft.com apple.com horizon.com comcast.com
    verizon.com nhs.net army.mil state.gov europa.eu un.org law.com justice.gov smith-law.co
    firm.cam practice.law abogados.lat xn--bcher-kva.example bücher.example
""".split()  # noqa: SIM905 - a list of 250 lines reads worse


@pytest.mark.parametrize(
    ("meant", "typed"), [(meant, one) for meant, all_ in SLIPS.items() for one in all_.split()]
)
def test_a_usual_slip_is_asked_about(meant, typed):
    assert suggest(f"jane.doe@{typed}") == f"jane.doe@{meant}"


def test_no_real_domain_is_asked_about():
    assert len(set(REAL)) >= 200
    assert [domain for domain in REAL if suggest(f"jane@{domain}")] == []


def test_what_is_before_the_domain_stays_as_it_is():
    assert suggest('"gmial.com@x"+tag@gmial.com') == '"gmial.com@x"+tag@gmail.com'
    assert suggest("gmial.com@example.com") is None
    assert suggest("jane@mail.gmial.com") is None


def test_the_script_of_the_form_is_given_the_commonest_slips_and_no_real_domain():
    table = json.loads(encode_slips())
    typed = {one: meant for meant, slips in table.items() for one in slips.split()}
    usual = "gmial.com gmai.com gamil.com gmail.con gmail.co hotmial.com yaho.com outlok.com icloud.co"
    assert set(usual.split()) <= set(typed)
    assert [domain for domain in REAL if domain in typed] == []
    assert all(suggest(f"jane@{one}") == f"jane@{meant}" for one, meant in typed.items())
    assert len(encode_slips()) < 2500
