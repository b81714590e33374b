//! The pages' words in German. What programs read (problem documents, the log) stays English. Pure.

use std::borrow::Cow;

use crate::config::brand::Language;
use crate::gateway::problem::Problem;

/// The words in the language of the pages. What has no translation (a name, for instance) stays as it is.
pub fn say(language: Language, english: &str) -> &str {
    match language {
        Language::English => english,
        Language::German => german(english).unwrap_or(english),
    }
}

/// What a page says of a problem.
pub fn detail(language: Language, problem: &Problem) -> Cow<'static, str> {
    let english = problem.to_string();
    if language == Language::English {
        return english.into();
    }
    let text = match problem {
        Problem::CallbackRejected(why) => match german(why) {
            Some(why) => format!("Die Anmeldung konnte nicht abgeschlossen werden: {why}."),
            None => return "Die Anmeldung konnte nicht abgeschlossen werden.".into(),
        },
        Problem::UserError(error) => format!("{} ({})", german(&error.what).unwrap_or(&error.what), error.code),
        Problem::CsrfHeaderMissing(header) => {
            format!("Die Anfrage ändert etwas, und ihr fehlt der Header {header}, den diese Adresse verlangt.")
        }
        Problem::ParameterTooLong { name, limit } => format!("Der Parameter {name} ist länger als {limit} Zeichen."),
        Problem::MethodNotAllowed(methods) => format!("Diese Adresse antwortet nur auf {methods}."),
        Problem::PathRefused(why) => {
            match why.split_once(": it").and_then(|(_, reading)| german(&format!("it{}", reading.strip_suffix('.')?))) {
                Some(reading) => {
                    format!("Der Pfad könnte als ein anderer gelesen werden, für den andere Regeln gelten: {reading}.")
                }
                None => return german(why).unwrap_or("Der Pfad enthält etwas, das hier nicht zugelassen ist.").into(),
            }
        }
        // What an operator reads in the log.
        Problem::ProviderRejected(_) => return "Der Anmeldedienst kann nicht verwendet werden.".into(),
        Problem::InvalidToken(_) => return "Das Bearer-Token wird nicht angenommen.".into(),
        _ => return german(&english).map_or_else(|| english.into(), Cow::from),
    };
    text.into()
}

fn german(english: &str) -> Option<&'static str> {
    GERMAN.iter().find(|(known, _)| *known == english).map(|(_, german)| *german)
}

const GERMAN: &[(&str, &str)] = &[
    // Titles.
    ("Login required", "Anmeldung erforderlich"),
    ("Session ended", "Sitzung beendet"),
    ("You are logged in, and your form is being sent …", "Sie sind angemeldet, und Ihr Formular wird gesendet …"),
    ("Send the form", "Formular senden"),
    ("Form not sent", "Formular nicht gesendet"),
    (
        "You are logged in. Your form was not sent: another one took its place, or the login took too long.",
        "Sie sind angemeldet. Ihr Formular wurde nicht gesendet: Ein anderes hat es ersetzt, oder die Anmeldung hat zu lange gedauert.",
    ),
    ("Fill it in again if you want to send it.", "Füllen Sie es noch einmal aus, wenn Sie es senden möchten."),
    (
        "The form was not sent: another user filled it in. Fill it in again if you want to send it.",
        "Das Formular wurde nicht gesendet: Ein anderer Benutzer hat es ausgefüllt. Füllen Sie es noch einmal aus, wenn Sie es senden möchten.",
    ),
    (
        "The form was not sent: it has been sent already, or the login took too long. Look whether it arrived, else fill it in again.",
        "Das Formular wurde nicht gesendet: Es wurde schon gesendet, oder die Anmeldung hat zu lange gedauert. Sehen Sie nach, ob es angekommen ist, und füllen Sie es sonst noch einmal aus.",
    ),
    ("Another login required", "Andere Anmeldung erforderlich"),
    ("Login took too long", "Die Anmeldung hat zu lange gedauert"),
    (
        "You are logged in. The page that you wanted to open needs a more recent login: too much time went by before you came back.",
        "Sie sind angemeldet. Die Seite, die Sie öffnen wollten, braucht eine neuere Anmeldung: Bis Sie zurückkamen, ist zu viel Zeit vergangen.",
    ),
    ("Log in once more, and do not wait on the way.", "Melden Sie sich noch einmal an, und warten Sie dabei nicht."),
    (
        "This needs a login of another kind, or a more recent one.",
        "Dafür ist eine Anmeldung anderer Art oder eine neuere nötig.",
    ),
    ("Invalid token", "Ungültiges Token"),
    ("Not allowed", "Keine Berechtigung"),
    ("One quick check", "Eine kurze Prüfung"),
    ("Automated request rejected", "Automatische Anfrage abgelehnt"),
    ("Cross-site request rejected", "Anfrage einer anderen Website abgelehnt"),
    ("Header missing", "Header fehlt"),
    ("Bad request", "Ungültige Anfrage"),
    ("Login failed", "Anmeldung fehlgeschlagen"),
    ("Not found", "Nicht gefunden"),
    ("Method not allowed", "Methode nicht zugelassen"),
    ("Request too large", "Anfrage zu groß"),
    ("Too many logins", "Zu viele Anmeldungen"),
    ("Login provider refused", "Anmeldedienst lehnt ab"),
    ("Login provider unavailable", "Anmeldedienst nicht erreichbar"),
    ("Keys unavailable", "Schlüssel nicht verfügbar"),
    ("Application unavailable", "Anwendung nicht erreichbar"),
    ("Application too slow", "Anwendung zu langsam"),
    ("Sessions unavailable", "Sitzungen nicht verfügbar"),
    ("Gateway not configured", "Gateway nicht konfiguriert"),
    // What is wrong.
    ("This needs a login, and the request came without one.", "Hierfür müssen Sie angemeldet sein."),
    ("The session has ended: it was logged out.", "Die Sitzung ist beendet: Sie wurden abgemeldet."),
    ("The session has ended: it was revoked.", "Die Sitzung ist beendet: Sie wurde widerrufen."),
    (
        "The session has ended: it was not used for too long.",
        "Die Sitzung ist beendet: Sie wurde zu lange nicht benutzt.",
    ),
    (
        "The session has ended: it reached its maximum duration.",
        "Die Sitzung ist beendet: Die Höchstdauer ist erreicht.",
    ),
    (
        "The session has ended: the login provider no longer renews it.",
        "Die Sitzung ist beendet: Der Anmeldedienst verlängert sie nicht mehr.",
    ),
    (
        "The session has ended: the user logged out at the login provider.",
        "Die Sitzung ist beendet: Sie haben sich beim Anmeldedienst abgemeldet.",
    ),
    (
        "The session has ended: its login provider is no longer in use here.",
        "Die Sitzung ist beendet: Ihr Anmeldedienst wird hier nicht mehr verwendet.",
    ),
    ("The session has ended: a newer one took its place.", "Die Sitzung ist beendet: Eine neuere hat sie ersetzt."),
    (
        "The session has ended: its user has started more sessions than are allowed at once.",
        "Die Sitzung ist beendet: Sie haben mehr Sitzungen begonnen, als gleichzeitig erlaubt sind.",
    ),
    (
        "The session has ended: it was used on another device than its own.",
        "Die Sitzung ist beendet: Sie wurde auf einem anderen Gerät verwendet.",
    ),
    (
        "The session is bound to a device, and the request does not prove that it comes from that device.",
        "Die Sitzung gehört zu einem Gerät, und die Anfrage weist nicht nach, dass sie von diesem Gerät kommt.",
    ),
    (
        "The session is bound to a device, and the browser could not prove just now that it is that device.",
        "Die Sitzung gehört zu einem Gerät, und der Browser konnte eben nicht nachweisen, dass er dieses Gerät ist.",
    ),
    (
        "This needs a session that is bound to a device, and yours is not.",
        "Dafür muss die Sitzung zu einem Gerät gehören, und Ihre gehört zu keinem.",
    ),
    ("The session cannot be bound to this device.", "Die Sitzung kann diesem Gerät nicht zugeordnet werden."),
    ("Device not recognized", "Gerät nicht erkannt"),
    ("Device not recognized yet", "Gerät noch nicht erkannt"),
    ("Bound device required", "Sitzung gehört zu keinem Gerät"),
    ("Open the page again", "Seite noch einmal öffnen"),
    ("Device refused", "Gerät abgelehnt"),
    (
        "Open the page again. If that does not help, log in again on this device. Your data was not saved.",
        "Öffnen Sie die Seite noch einmal. Wenn das nicht hilft, melden Sie sich auf diesem Gerät neu an. Ihre Eingaben wurden nicht \
        gespeichert.",
    ),
    (
        "Open this in a browser that supports Device Bound Session Credentials, such as Chrome on Windows, and log in there. If you use one \
        already, log out and log in again.",
        "Öffnen Sie die Seite in einem Browser, der Device Bound Session Credentials unterstützt, etwa Chrome unter Windows, und melden Sie \
        sich dort an. Wenn Sie schon einen solchen verwenden, melden Sie sich ab und wieder an.",
    ),
    ("Tokens cannot be verified at the moment.", "Tokens können zurzeit nicht geprüft werden."),
    ("This needs a permission that you do not have.", "Dafür fehlt Ihnen eine Berechtigung."),
    (
        "Before you go on, this site checks that you are not a robot.",
        "Bevor es weitergeht, prüft diese Website, dass Sie kein Roboter sind.",
    ),
    ("The check failed. Please try again.", "Die Prüfung ist fehlgeschlagen. Bitte versuchen Sie es noch einmal."),
    ("The request seems to come from an automated program.", "Die Anfrage sieht aus, als käme sie von einem Programm."),
    (
        "The request changes something but does not come from this site.",
        "Die Anfrage ändert etwas und kommt nicht von dieser Website.",
    ),
    ("There is nothing at this address.", "Unter dieser Adresse gibt es nichts."),
    (
        "This host serves the administrators' console (ADMIN_ORIGIN) and nothing else.",
        "Dieser Host gehört der Verwaltung (ADMIN_ORIGIN): Hier gibt es nur ihre Konsole.",
    ),
    ("This gateway does not serve this host.", "Dieses Gateway ist für diesen Host nicht zuständig."),
    ("The request is larger than this address accepts.", "Die Anfrage ist größer, als diese Adresse erlaubt."),
    ("Too many logins were started from this network.", "Aus diesem Netz wurden zu viele Anmeldungen begonnen."),
    (
        "The request's address, headers or cookies are larger than this gateway accepts.",
        "Adresse, Header oder Cookies der Anfrage sind größer, als dieses Gateway erlaubt.",
    ),
    ("The login provider does not answer at the moment.", "Der Anmeldedienst antwortet zurzeit nicht."),
    ("The application cannot be reached at the moment.", "Die Anwendung ist zurzeit nicht erreichbar."),
    ("The application did not answer in time.", "Die Anwendung hat nicht rechtzeitig geantwortet."),
    ("Sessions cannot be read at the moment.", "Sitzungen können zurzeit nicht gelesen werden."),
    (
        "The gateway cannot work yet: its configuration needs attention.",
        "Das Gateway kann noch nicht arbeiten: Seine Konfiguration ist unvollständig oder falsch.",
    ),
    (
        "The body is not the JSON object that this address takes.",
        "Der Inhalt ist nicht das JSON-Objekt, das diese Adresse erwartet.",
    ),
    ("The request's body could not be read.", "Der Inhalt der Anfrage konnte nicht gelesen werden."),
    ("The request's body cannot be read.", "Der Inhalt der Anfrage kann nicht gelesen werden."),
    ("The request's address is malformed.", "Die Adresse der Anfrage ist fehlerhaft."),
    (
        "return_to must be an address on this site, such as /path?query.",
        "return_to muss eine Adresse auf dieser Website sein, zum Beispiel /path?query.",
    ),
    ("limit must be a whole number, 1 to 500.", "limit muss eine ganze Zahl von 1 bis 500 sein."),
    ("This list did not issue this cursor.", "Dieser cursor stammt nicht aus dieser Liste."),
    ("organization must be the id of an organization.", "organization muss die ID einer Organisation sein."),
    (
        "organization is another one than this gateway is configured for.",
        "organization ist eine andere als die, für die dieses Gateway konfiguriert ist.",
    ),
    (
        "To log in, open this address in a browser window.",
        "Um sich anzumelden, öffnen Sie diese Adresse in einem Browserfenster.",
    ),
    ("The path holds an encoded backslash (%5c).", "Der Pfad enthält einen kodierten Backslash (%5c)."),
    (
        "The path holds an encoded control character (%00 to %1f, or %7f).",
        "Der Pfad enthält ein kodiertes Steuerzeichen (%00 bis %1f oder %7f).",
    ),
    (
        "The path holds an encoded slash (%2f), which is not let through here.",
        "Der Pfad enthält einen kodierten Schrägstrich (%2f), der hier nicht zugelassen ist.",
    ),
    (
        "The path holds a hidden dot segment: . or .. that is encoded, or has something behind it.",
        "Der Pfad enthält ein verstecktes Punktsegment: . oder .., das kodiert ist oder hinter dem noch etwas steht.",
    ),
    (
        "it has full-width characters, or UTF-8 that is longer than it must be",
        "Er enthält Zeichen voller Breite oder überlanges UTF-8",
    ),
    ("it has an encoded slash (%2f)", "Er enthält einen kodierten Schrägstrich (%2f)"),
    ("it has an encoded ? or # (%3f, %23)", "Er enthält ein kodiertes ? oder # (%3f, %23)"),
    ("it has a ; (or %3b)", "Er enthält ein ; (oder %3b)"),
    ("a segment of it ends in a dot or a space (%20)", "Ein Segment endet mit einem Punkt oder Leerzeichen (%20)"),
    ("it has two slashes in a row", "Er enthält zwei Schrägstriche hintereinander"),
    ("its letters' case differs", "Die Groß- und Kleinschreibung ist eine andere"),
    // Why a login failed.
    (
        "all sessions of this user were ended while this login was under way",
        "Währenddessen wurden alle Ihre Sitzungen beendet",
    ),
    ("the session was ended while this login was under way", "Währenddessen wurde die Sitzung beendet"),
    ("its address has been opened before", "Der Link dieser Anmeldung wurde schon einmal geöffnet"),
    ("it took too long", "Sie dauerte zu lange"),
    ("it began too long ago", "Sie begann vor zu langer Zeit"),
    (
        "it began in another browser, or too long ago (state)",
        "Sie begann in einem anderen Browser oder vor zu langer Zeit",
    ),
    (
        "it began in another browser, at another login provider, or too long ago (state)",
        "Sie begann in einem anderen Browser, bei einem anderen Anmeldedienst oder vor zu langer Zeit",
    ),
    (
        "This takes logins of another provider than yours.",
        "Hier gelten nur Anmeldungen bei einem anderen Anmeldedienst als Ihrem.",
    ),
    (
        "You can log in there. Your present session ends then.",
        "Sie können sich dort anmelden. Ihre jetzige Sitzung endet dann.",
    ),
    (
        "provider must be the name of a login provider of this host.",
        "provider muss der Name eines Anmeldedienstes dieses Hosts sein.",
    ),
    (
        "Nothing says where you log in. Open the address that your organization gave you.",
        "Nichts sagt, wo Sie sich anmelden. Öffnen Sie die Adresse, die Ihre Organisation Ihnen gegeben hat.",
    ),
    ("Where do you want to log in?", "Wo möchten Sie sich anmelden?"),
    ("the login provider's answer has no code", "Die Antwort des Anmeldedienstes enthält keinen code"),
    ("the login provider's answer has no state", "Die Antwort des Anmeldedienstes enthält keinen state"),
    (
        "a parameter appears twice in the login provider's answer",
        "Ein Parameter in der Antwort des Anmeldedienstes kommt doppelt vor",
    ),
    (
        "The login provider does not accept the organization that this login was for, or this login has to name an organization and did not.",
        "Der Anmeldedienst nimmt die Organisation dieser Anmeldung nicht an, oder die Anmeldung hätte eine Organisation nennen müssen.",
    ),
    (
        "Check the organization in the link that you followed. If you did not choose one, tell the operator of this site the reference below.",
        "Prüfen Sie die Organisation in dem Link, dem Sie gefolgt sind. Wenn Sie keine gewählt haben, nennen Sie dem Betreiber dieser Website die Referenz unten.",
    ),
    (
        "Your account does not belong to the organization that this login was for, or may not use this application there.",
        "Ihr Konto gehört nicht zu der Organisation dieser Anmeldung oder darf diese Anwendung dort nicht benutzen.",
    ),
    (
        "The login provider needs something more from you before you can log in.",
        "Der Anmeldedienst braucht noch etwas von Ihnen, bevor Sie sich anmelden können.",
    ),
    (
        "Log in again and do what the provider asks. If it asks nothing, tell the operator of this site the reference below.",
        "Melden Sie sich noch einmal an und tun Sie, worum der Anmeldedienst Sie bittet. Wenn er um nichts bittet, nennen Sie dem Betreiber dieser Website die Referenz unten.",
    ),
    (
        "The login was cancelled, or your account may not use this application.",
        "Die Anmeldung wurde abgebrochen, oder Ihr Konto darf diese Anwendung nicht benutzen.",
    ),
    (
        "Log in again, with another account if you have one, or ask the operator of this site for access.",
        "Melden Sie sich noch einmal an, vielleicht mit einem anderen Konto, oder bitten Sie den Betreiber dieser Website um Zugang.",
    ),
    (
        "Your account may not use this application, or not yet.",
        "Ihr Konto darf diese Anwendung nicht oder noch nicht benutzen.",
    ),
    (
        "If an e-mail asks you to confirm your address, do so and log in again. Else ask the operator of this site for access.",
        "Wenn Sie per E-Mail gebeten wurden, Ihre Adresse zu bestätigen, tun Sie das und melden Sie sich noch einmal an. Sonst bitten Sie den Betreiber dieser Website um Zugang.",
    ),
    ("The login provider does not know you any more.", "Der Anmeldedienst kennt Sie nicht mehr."),
    ("The login provider has something to ask you.", "Der Anmeldedienst hat eine Frage an Sie."),
    ("Log in again and answer it there.", "Melden Sie sich noch einmal an und beantworten Sie sie dort."),
    ("The login provider needs your consent.", "Der Anmeldedienst braucht Ihre Zustimmung."),
    ("Log in again and give it there.", "Melden Sie sich noch einmal an und stimmen Sie dort zu."),
    ("Your account needs a second step to log in.", "Ihr Konto verlangt bei der Anmeldung einen zweiten Schritt."),
    (
        "Log in again and have your phone or security key at hand. If you have lost it, use a recovery code or ask the operator of this site.",
        "Melden Sie sich noch einmal an und halten Sie Ihr Telefon oder Ihren Sicherheitsschlüssel bereit. Wenn Sie ihn verloren haben, verwenden Sie einen Wiederherstellungscode oder fragen Sie den Betreiber dieser Website.",
    ),
    (
        "Your account needs a second step to log in, and has none yet.",
        "Ihr Konto verlangt bei der Anmeldung einen zweiten Schritt und hat noch keinen.",
    ),
    (
        "Log in again and set one up when you are asked: an authenticator app, for instance.",
        "Melden Sie sich noch einmal an und richten Sie ihn ein, wenn Sie danach gefragt werden: zum Beispiel eine Authentifizierungs-App.",
    ),
    (
        "There were too many attempts to log in, and the login provider takes no more for now.",
        "Es gab zu viele Anmeldeversuche, und der Anmeldedienst nimmt vorerst keine mehr an.",
    ),
    (
        "Wait some minutes and log in again. If the provider has sent you an e-mail, its link unblocks your account. If you are not sure of your password, reset it first.",
        "Warten Sie einige Minuten und melden Sie sich noch einmal an. Wenn der Anmeldedienst Ihnen eine E-Mail geschickt hat, entsperrt ihr Link Ihr Konto. Wenn Sie Ihr Passwort nicht sicher wissen, setzen Sie es vorher zurück.",
    ),
    ("Your e-mail address is not confirmed yet.", "Ihre E-Mail-Adresse ist noch nicht bestätigt."),
    (
        "Look for the e-mail that the login provider has just sent you, do what it says, and log in again.",
        "Suchen Sie die E-Mail, die der Anmeldedienst Ihnen gerade geschickt hat, folgen Sie ihr und melden Sie sich noch einmal an.",
    ),
    ("Your account belongs to more than one organization.", "Ihr Konto gehört zu mehreren Organisationen."),
    ("Choose the one that you want to log in to.", "Wählen Sie die, bei der Sie sich anmelden wollen."),
    (
        "Your organization wants you to log in with its own login (single sign-on).",
        "Ihre Organisation verlangt, dass Sie sich über ihre eigene Anmeldung anmelden (Single Sign-on).",
    ),
    (
        "Log in again with the e-mail address that you have there.",
        "Melden Sie sich noch einmal mit der E-Mail-Adresse an, die Sie dort haben.",
    ),
    (
        "This way of logging in is not allowed for your account.",
        "Diese Art der Anmeldung ist für Ihr Konto nicht erlaubt.",
    ),
    (
        "Log in again in another way, or ask the operator of this site which one to use.",
        "Melden Sie sich auf eine andere Art an, oder fragen Sie den Betreiber dieser Website, welche vorgesehen ist.",
    ),
    // What to do next.
    ("You are still logged in as before.", "Sie sind weiterhin angemeldet."),
    (
        "You can log in again. If it fails again, tell the operator of this site the reference below.",
        "Sie können sich noch einmal anmelden. Wenn das wieder fehlschlägt, nennen Sie dem Betreiber dieser Website die Referenz unten.",
    ),
    ("Log in first. Your data was not saved.", "Melden Sie sich zuerst an. Ihre Daten wurden nicht gespeichert."),
    ("Log in again. Your data was not saved.", "Melden Sie sich noch einmal an. Ihre Daten wurden nicht gespeichert."),
    ("Log in again.", "Melden Sie sich noch einmal an."),
    ("Please try again in a moment.", "Bitte versuchen Sie es gleich noch einmal."),
    ("Please try again in a minute.", "Bitte versuchen Sie es in einer Minute noch einmal."),
    (
        "Tell the operator of this site: its registration at the login provider needs attention.",
        "Sagen Sie dem Betreiber dieser Website, dass er die Registrierung beim Anmeldedienst prüfen muss.",
    ),
    (
        "If this is your site, set these variables and deploy again:",
        "Wenn das Ihre Website ist, setzen Sie diese Variablen und veröffentlichen Sie sie neu:",
    ),
    (
        "Check the address. If this is your site, PUBLIC_ORIGIN must name this host.",
        "Prüfen Sie die Adresse. Wenn das Ihre Website ist, muss PUBLIC_ORIGIN diesen Host nennen.",
    ),
    (
        "Open the previous page again, pass the check, and try again.",
        "Öffnen Sie die vorige Seite noch einmal, bestehen Sie die Prüfung und versuchen Sie es erneut.",
    ),
    (
        "Ask the operator of this site for this permission, or log in with an account that has it.",
        "Bitten Sie den Betreiber dieser Website um diese Berechtigung, oder melden Sie sich mit einem Konto an, das sie hat.",
    ),
    (
        "Try another browser or another network. If it fails again, tell the operator of this site the reference below.",
        "Versuchen Sie es mit einem anderen Browser oder in einem anderen Netz. Wenn das wieder fehlschlägt, nennen Sie dem Betreiber dieser Website die Referenz unten.",
    ),
    (
        "Delete the cookies of this site, then open it again.",
        "Löschen Sie die Cookies dieser Website und öffnen Sie sie dann noch einmal.",
    ),
    (
        "Nothing was changed. If this is your application, let it send the header.",
        "Es wurde nichts geändert. Wenn das Ihre Anwendung ist, lassen Sie sie den Header senden.",
    ),
    (
        "Nothing was changed. If you meant to do this, do it in the application itself.",
        "Es wurde nichts geändert. Wenn Sie das tun wollten, tun Sie es in der Anwendung selbst.",
    ),
    (
        "This page continues automatically when the check is done. If you do not see a check here, allow challenges.cloudflare.com in this browser and reload the page.",
        "Sobald die Prüfung fertig ist, geht es von selbst weiter. Wenn Sie hier keine Prüfung sehen, lassen Sie challenges.cloudflare.com in diesem Browser zu und laden Sie die Seite neu.",
    ),
    (
        "This check needs JavaScript. Please allow it for this page.",
        "Diese Prüfung braucht JavaScript. Bitte erlauben Sie es für diese Seite.",
    ),
    // Other pages, links and buttons.
    ("Back to the application", "Zurück zur Anwendung"),
    ("Log in", "Anmelden"),
    ("Log in again", "Noch einmal anmelden"),
    ("Log in with another account", "Mit einem anderen Konto anmelden"),
    ("Try again", "Noch einmal versuchen"),
    ("One moment", "Einen Moment"),
    ("One moment …", "Einen Moment …"),
    ("This page is opening …", "Die Seite wird geöffnet …"),
    ("Continue", "Weiter"),
    ("Logged in", "Angemeldet"),
    ("Logged out", "Abgemeldet"),
    ("You are logged out.", "Sie sind abgemeldet."),
    ("Log out?", "Abmelden?"),
    (
        "Another page asked to log you out. You are still logged in.",
        "Eine andere Seite wollte Sie abmelden. Sie sind noch angemeldet.",
    ),
    (
        "Another page asked to log you out. You do not seem to be logged in here; to be sure, press the button.",
        "Eine andere Seite wollte Sie abmelden. Sie scheinen hier nicht angemeldet zu sein. Um sicherzugehen, drücken Sie die Schaltfläche.",
    ),
    ("Log out", "Abmelden"),
    ("Stay logged in", "Angemeldet bleiben"),
    ("Reference: ", "Referenz: "),
];

#[cfg(test)]
#[path = "german_tests.rs"]
mod tests;
