"""The templates that a new installation has, in English and Spanish. The migration stores them."""

from __future__ import annotations

from typing import NamedTuple


class BuiltIn(NamedTuple):
    """A template."""

    language: str
    name: str
    subject: str
    body: str


BUILT_IN = (
    BuiltIn(
        "en",
        "First contact",
        "Your inquiry {reference}",
        """Dear {first_name},

Thank you for writing to {firm}. I am {attorney}, and I have read what you sent us.

I would like to speak with you about it. When may I call you, and at which number?

Until we have both signed an agreement we are not your attorneys. Please send nothing confidential before.

Kind regards,
{attorney}""",
    ),
    BuiltIn(
        "en",
        "More documents",
        "Documents for your inquiry {reference}",
        """Dear {first_name},

Thank you for your inquiry. To judge it I need some documents more:

-

Please answer this mail with them, and tell me if you do not have one of them.

Kind regards,
{attorney}""",
    ),
    BuiltIn(
        "en",
        "Call arranged",
        "Our call about your inquiry {reference}",
        """Dear {first_name},

I will call you on …

Please have the letters and contracts it is about at hand. If the time does not suit you, answer this mail.

Kind regards,
{attorney}""",
    ),
    BuiltIn(
        "en",
        "We cannot take your case",
        "Your inquiry {reference}",
        """Dear {first_name},

Thank you for your trust. After reading your inquiry we cannot act for you in it.

This says nothing about your prospects. Deadlines may be running: please speak to another attorney soon.
The bar association of your state helps you to find one.

Kind regards,
{attorney}
{firm}""",
    ),
    BuiltIn(
        "es",
        "Primer contacto",
        "Su consulta {reference}",
        """Hola, {first_name}:

Gracias por escribir a {firm}. Soy {attorney} y he leído lo que nos envió.

Me gustaría hablar con usted sobre ello. ¿Cuándo puedo llamarle, y a qué número?

Mientras no hayamos firmado un acuerdo no somos sus abogados. Por favor, no envíe antes nada confidencial.

Saludos cordiales,
{attorney}""",
    ),
    BuiltIn(
        "es",
        "Más documentos",
        "Documentos para su consulta {reference}",
        """Hola, {first_name}:

Gracias por su consulta. Para valorarla necesito algunos documentos más:

-

Por favor, envíelos en respuesta a este correo y dígame si le falta alguno.

Saludos cordiales,
{attorney}""",
    ),
    BuiltIn(
        "es",
        "Llamada acordada",
        "Nuestra llamada sobre su consulta {reference}",
        """Hola, {first_name}:

Le llamaré el …

Por favor, tenga a mano las cartas y los contratos de que se trata. Si la hora no le conviene, responda a
este correo.

Saludos cordiales,
{attorney}""",
    ),
    BuiltIn(
        "es",
        "No podemos llevar su caso",
        "Su consulta {reference}",
        """Hola, {first_name}:

Gracias por su confianza. Tras leer su consulta, no podemos representarle en este asunto.

Esto no dice nada sobre sus posibilidades. Puede haber plazos en curso: por favor, hable pronto con otro
abogado. El colegio de abogados de su estado le ayuda a encontrarlo.

Saludos cordiales,
{attorney}
{firm}""",
    ),
)
