"""Frequent German, French and Spanish words of requests, in English: the table of token vectors knows English alone.

Not a translation: word by word, in the order of the text, and only what says what is asked for. Words that English has, too
(`die`, `comment`, `pour`), are left out, since a text is taken for foreign by the share of its words that stand here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

LEAST_SHARE: Final = 0.25
READ: Final = 24
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")
_ELISION: Final = re.compile(r"^(?:l|d|j|m|t|s|n|c|qu|jusqu)['’](?=\w)")

GERMAN: Final = """
die=the will=want was=what war=was möchte=want könnte=could werden=be wird=will würde=would lassen=let folgenden=following folgende=following kurz=short kurzes=short alle=all alles=everything ohne=without um=at am=on im=in aber=but wenn=if weil=because wieder=again immer=always ihr=her sein=his
schreib=write schreibe=write schreiben=write verfasse=write formuliere=rephrase erfinde=invent erzähl=tell erzähle=tell erklär=explain erkläre=explain erklären=explain beschreibe=describe
fasse=summarize zusammen=together zusammenfassen=summarize zusammenfassung=summary kürze=shorten punkte=points übersetze=translate übersetzen=translate korrigiere=correct verbessere=improve
suche=search such=search finde=find zeig=show zeige=show neueste=latest nachrichten=news wetter=weather heute=today morgen=tomorrow gestern=yesterday aktuell=currently aktuelle=current jetzt=now gerade=now diese=this
buche=book buchen=book reserviere=reserve stell=set stelle=set erinnere=remind schick=send schicke=send sende=send ruf=call bestelle=order spiel=play spiele=play öffne=open starte=start lade=upload erstelle=create trag=add füge=add vereinbare=schedule verschiebe=move termin=appointment wecker=alarm kalender=calendar einkaufsliste=shopping
lösche=delete löschen=delete entferne=remove kündige=cancel kündigen=cancel storniere=cancel formatiere=format fahre=shut überweise=transfer überweisen=transfer bezahle=pay bezahlen=pay verkaufe=sell kaufe=buy konto=account rechnung=bill miete=rent geld=money
soll=should darf=may kann=can könntest=could kannst=can muss=must ist=is sind=are hat=has habe=have ich=i du=you mein=my meine=my meinen=my meiner=my unser=our unsere=our unserer=our unserem=our unseren=our mir=me mich=me dich=you dir=you wir=we er=he sie=she
wie=how viel=much viele=many warum=why wieso=why wer=who wann=when wo=where welche=which welcher=which welches=which und=and oder=or nicht=not kein=no keine=no mit=with für=for über=about nach=to von=of zu=to zum=to zur=to auf=on bei=at aus=from gegen=against laut=according ein=a eine=a einen=a einem=a einer=a der=the das=the den=the dem=the des=the dass=that bitte=please danke=thanks
arzt=doctor medikament=medication tabletten=pills schmerzen=pain kopfschmerzen=headache fieber=fever brust=chest schwangerschaft=pregnancy schwanger=pregnant nebenwirkungen=side-effects dosis=dose nehmen=take einnehmen=take
leben=live sterben=die selbstmord=suicide umbringen=kill verletze=hurt tochter=daughter sohn=son kind=child kinder=children
vermieter=landlord arbeitgeber=employer chef=boss anwalt=lawyer verklagen=sue rechte=rights vertrag=contract kündigung=termination gesetz=law steuern=taxes steuer=tax kredit=loan aktien=stocks rente=pension versicherung=insurance investieren=invest
beweise=prove löse=solve berechne=calculate vergleiche=compare plane=plan gleichung=equation zug=train datei=file dateien=files ordner=folder funktion=function fehler=error skript=script liste=list datenbank=database abfrage=query
richtlinie=policy reiserichtlinie=travel-policy regelung=rule handbuch=handbook steht=says sagt=says mach=make mache=make noch=still nochmal=again kürzer=shorter besser=better andere=other anderen=other gedicht=poem geschichte=story brief=letter witz=joke text=text artikel=article hallo=hello geht=goes wurzel=root gib=give nenne=name
"""
FRENCH: Final = """
pour=for par=by à=to ce=this cet=this cette=this ces=these tout=all toutes=all tous=all suivant=following veux=want voudrais=would-like suis=am était=was sera=will-be fait=does mal=hurt envie=want plus=more si=if mais=but comme=as jour=day mois=month an=year ans=years
écris=write écrire=write rédige=write invente=invent raconte=tell raconte-moi=tell explique=explain explique-moi=explain expliquer=explain décris=describe reformule=rephrase résume=summarize résumer=summarize résumé=summary raccourcis=shorten traduis=translate traduire=translate corrige=correct améliore=improve
cherche=search trouve=find montre=show dernières=latest nouvelles=news météo=weather temps=weather aujourd'hui=today demain=tomorrow hier=yesterday actuellement=currently maintenant=now soir=evening semaine=week
réserve=book réserver=book mets=set rappelle=remind rappelle-moi=remind envoie=send envoyer=send appelle=call commande=order joue=play ouvre=open crée=create ajoute=add prends=take déplace=move rendez-vous=appointment réveil=alarm agenda=calendar redémarre=restart téléverse=upload éteins=turn-off message=message
supprime=delete supprimer=delete efface=erase résilie=cancel annule=cancel formate=format arrête=stop vire=transfer virement=transfer paie=pay payer=pay vends=sell achète=buy compte=account facture=bill loyer=rent argent=money
dois=should dois-je=should-i puis-je=may-i peut=can peut-il=can-he peux=can peux-tu=can-you pourrais-tu=could-you est=is sont=are ai=have avez=have je=i tu=you il=he elle=she nous=we mon=my ma=my mes=my notre=our nos=our moi=me que=what quoi=what quel=what quelle=what quels=which quelles=which
combien=how-many pourquoi=why qui=who quand=when où=where lequel=which et=and ou=or ne=not pas=not avec=with sur=about selon=according d'après=according un=a une=a le=the la=the les=the du=of des=of de=of au=to aux=to dans=in sans=without s'il=please plaît=please merci=thanks bonjour=hello salut=hello
médecin=doctor médicament=medication comprimés=pills comprimé=pill douleur=pain fièvre=fever poitrine=chest grossesse=pregnancy enceinte=pregnant effets=effects secondaires=side dose=dose prendre=take mourir=die vivre=live suicide=suicide fille=daughter fils=son enfant=child bébé=baby
propriétaire=landlord patron=boss employeur=employer avocat=lawyer droits=rights contrat=contract licenciement=dismissal licencier=dismiss loi=law impôts=taxes crédit=loan bourse=stock-market retraite=pension assurance=insurance investir=invest
prouve=prove démontre=prove résous=solve calcule=calculate compare=compare planifie=plan équation=equation fichier=file dossier=folder fonction=function requête=query erreur=error liste=list racine=root
politique=policy règlement=rules charte=policy guide=guide dit=says fais=make encore=again mieux=better autre=other ça=this poème=poem histoire=story lettre=letter blague=joke texte=text donne=give donne-moi=give comment=how
"""
SPANISH: Final = """
para=for este=this esta=this estos=these esa=that ese=that todo=all todos=all todas=all siguiente=following quisiera=would-like soy=am estoy=am era=was será=will-be hace=does muy=very más=more si=if pero=but como=as día=day mes=month año=year años=years mi=my le=him doy=give no=not que=that se=self
escribe=write escribir=write escríbeme=write redacta=write inventa=invent cuéntame=tell cuenta=tell explica=explain explícame=explain explicarme=explain describe=describe reformula=rephrase resume=summarize resumir=summarize resumen=summary acorta=shorten traduce=translate traducir=translate corrige=correct mejora=improve háblame=tell-me
busca=search encuentra=find muestra=show últimas=latest noticias=news tiempo=weather hoy=today mañana=tomorrow ayer=yesterday actualmente=currently ahora=now noche=night semana=week
reserva=book reservar=book pon=set recuérdame=remind envía=send manda=send llama=call pide=order abre=open crea=create añade=add agenda=schedule apunta=note mueve=move cita=appointment alarma=alarm calendario=calendar reinicia=restart sube=upload apaga=turn-off correo=email reunión=meeting
borra=delete borrar=delete elimina=delete eliminar=delete cancela=cancel formatea=format vacía=empty transfiere=transfer transferencia=transfer paga=pay pagar=pay vende=sell compra=buy cuenta=account factura=bill alquiler=rent dinero=money
debo=should puedo=may-i puede=can puedes=can-you podrías=could-you quiero=want es=is son=are está=is tengo=have tiene=has yo=i tú=you él=he mi=my mis=my nuestra=our nuestro=our nuestros=our me=me qué=what cuál=which cuáles=which
cómo=how cuánto=how-much cuánta=how-much cuántos=how-many cuántas=how-many qué=what quién=who cuándo=when dónde=where y=and o=or con=with sobre=about según=according un=a una=a el=the la=the los=the las=the del=of de=of al=to en=in sin=without por=for para=for favor=please gracias=thanks hola=hello buenos=good días=day
médico=doctor medicamento=medication pastillas=pills dolor=pain fiebre=fever pecho=chest embarazo=pregnancy embarazada=pregnant efectos=effects secundarios=side dosis=dose tomar=take morir=die vivir=live suicidio=suicide hija=daughter hijo=son niño=child bebé=baby
casero=landlord jefe=boss empresa=company abogado=lawyer derechos=rights contrato=contract despedirme=fire-me despiden=dismiss demandar=sue ley=law impuestos=taxes crédito=loan bolsa=stock-market jubilación=pension seguro=insurance invertir=invest
demuestra=prove resuelve=solve calcula=calculate compara=compare planea=plan ecuación=equation archivo=file carpeta=folder función=function consulta=query error=error lista=list raíz=root
política=policy manual=handbook convenio=agreement guía=guide dice=says hazlo=do-it haz=make otra=again vez=time mejor=better otro=other eso=that esto=this poema=poem cuento=story historia=story carta=letter chiste=joke texto=text dame=give artículo=article vuelo=flight hotel=hotel
"""


def _read(*lists: str) -> dict[str, str]:
    pairs = [pair.split("=") for words in lists for pair in words.split()]
    return {foreign: english.replace("-", " ") for foreign, english in pairs}


WORDS: Final = _read(SPANISH, FRENCH, GERMAN)
# Looked up in a foreign text, but no sign of one: English has them, too.
SHARED: Final = frozenset(
    ["a", "agenda", "agendas", "an", "are", "as", "bring", "car", "chef", "code", "comment", "compare", "cita", "der", "describe", "die", "dose", "du", "elle", "error", "est", "fasse", "film", "gang", "he", "hat", "hotel", "il", "is", "la", "le", "les", "les", "main", "mal", "man", "manual", "me", "mes", "message", "mi", "mis", "no", "nos", "on", "or", "pain", "paga", "pages", "par", "per", "pide", "plan", "plane", "pour", "prends", "que", "rente", "ruf", "sale", "son", "spiel", "sube", "suicide", "sur", "tag", "temps", "text", "ton", "un", "vends", "vez", "via", "vice", "von", "war", "was", "will", "zu", "text", "guide", "liste", "trouve", "vire", "e", "y", "el", "los", "las", "sin", "tu", "ma"]
)


def gloss(words: Sequence[str]) -> list[str]:
    """The words, in lower case and without marks at their edges looked up where enough of the first are foreign."""
    bare = [_ELISION.sub("", _EDGES.sub("", word.lower().replace("’", "'"))) for word in words[:READ]]
    if sum(word in WORDS and word not in SHARED for word in bare) < max(LEAST_SHARE * len(bare), 1):
        return list(words)
    bare += [_ELISION.sub("", _EDGES.sub("", word.lower())) for word in words[READ:]]
    return [WORDS.get(word, word) for word in bare]
