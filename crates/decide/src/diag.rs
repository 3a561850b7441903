//! Every diagnostic this room can give, one function each. Pages: `docs/codes/SF09*.md` and `SF10*.md`.

use crate::limits::CALL_ROUNDS_MAX;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;
use model::{Digest, Endpoint, Mode, Version};
use value::{Diagnostic, Diagnostics, Span};

pub(crate) fn count_unknown(address: &dyn Display, argument: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0901",
        "How many instances there are is not known before apply",
        format!(
            "The `{argument}` value depends on resource attributes that are known only after they have been applied, \
             so Steadfast cannot say which instances will exist. Use keys and counts that come from variables or \
             locals, or apply what they depend on first."
        ),
    )
    .about(format!("{address}"))
    .at(span)
}

pub(crate) fn ephemeral_missing(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0933",
        "The value of an ephemeral variable must be given again",
        format!(
            "`var.{name}` is ephemeral: its value is never written down, and this command was not given one. Give it as \
             before, with -var '{name}=...', TF_VAR_{name} or a variables file. Nothing was changed."
        ),
    )
    .about(format!("var.{name}"))
    .at(span)
}

pub(crate) fn heals_more(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0938",
        "Healing would do more than bring an object back",
        format!(
            "{address} would be destroyed, replaced, taken over or made something that it has not been, or it is not \
             among the objects that are healed. Nothing was changed. Look at all of it with `steadfast plan`, then apply \
             it yourself."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn takes_back_more(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0940",
        "Taking the run back would do more than that",
        format!(
            "{address} was not changed by the run, and would be changed now: something depends on it, or it on \
             something that goes. Nothing was changed. Take back later runs first, or change the definition and apply it."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn takes_back_less(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0941",
        "Something of the run would stay",
        format!(
            "The run made {address}, and what was in force before it has it too, so it would not go. Nothing was \
             changed. Destroy it by itself: steadfast destroy -target='{address}'"
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn data_in_the_way(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0942",
        "Data would be lost",
        format!(
            "Taking the run back would destroy {address}, which is marked (prevent_destroy, holds_data) or of a type that \
             is known to hold data. Nothing was changed. If it may go, with what is in it, say so: \
             -allow-destroy='{address}'"
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn object_is_newer(
    address: &dyn Display,
    provider: &str,
    stored: u64,
    now: u64,
) -> Diagnostic {
    Diagnostic::error(
        "SF0932",
        "The object was made by a newer provider",
        format!(
            "{address} is stored in form {stored}, and this version of the provider {provider} knows only forms up to \
             {now}. Raise the version of the provider in required_providers, then run `steadfast init -upgrade`."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn count_invalid(address: &dyn Display, why: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0902",
        "Invalid count",
        format!("The `count` value {why}. It must be a whole number, zero or more."),
    )
    .about(format!("{address}"))
    .at(span)
}

pub(crate) fn for_each_invalid(address: &dyn Display, why: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0903",
        "Invalid for_each",
        format!("The `for_each` value {why}. It must be a map, an object, or a set of strings."),
    )
    .about(format!("{address}"))
    .at(span)
}

pub(crate) fn no_such_instance(what: &str, key: &str, known: &[String], span: Span) -> Diagnostic {
    let mut shown: Vec<&str> = known.iter().take(8).map(String::as_str).collect();
    if known.len() > shown.len() {
        shown.push("...");
    }
    let have = if known.is_empty() {
        String::from("It has no instances.")
    } else {
        format!("It has: {}.", shown.join(", "))
    };
    Diagnostic::error(
        "SF0904",
        "No such instance",
        format!("{what} has no instance {key}. {have}"),
    )
    .at(span)
}

pub(crate) fn condition_failed(what: &str, message: &str, address: &str, span: Span) -> Diagnostic {
    Diagnostic::error("SF0905", format!("{what} failed"), String::from(message))
        .about(address)
        .at(span)
}

pub(crate) fn condition_invalid(what: &str, address: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0906",
        format!("{what} is neither true nor false"),
        "The condition must give a truth value. Null is not one.",
    )
    .about(address)
    .at(span)
}

pub(crate) fn destroy_prevented(address: &dyn Display, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0907",
        "The plan would destroy a protected object",
        format!(
            "{address} has `lifecycle.prevent_destroy` set, and the plan calls for destroying it. Remove the \
             protection if that is meant, or leave this resource out."
        ),
    )
    .about(format!("{address}"))
    .at(span)
}

pub(crate) fn provider_missing(address: &dyn Display, provider: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0908",
        "No such provider",
        format!(
            "{address} belongs to the provider `{provider}`, which this program does not have. Nothing was changed."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn plan_inconsistent(address: &dyn Display, provider: &str, path: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0909",
        "The provider gave an invalid plan",
        format!(
            "The provider `{provider}` planned another value for `{path}` of {address} than the configuration sets. \
             This is a fault of the provider; report it to its maintainers."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn step_cycle(members: &[String]) -> Diagnostic {
    Diagnostic::error(
        "SF0910",
        "The changes depend on each other in a circle",
        format!(
            "No order satisfies: {}. Break the circle with `create_before_destroy`, or apply in two parts.",
            members.join(" -> ")
        ),
    )
}

pub(crate) fn variable_unfit(name: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0911",
        "The value does not fit the variable",
        format!("The value given for `var.{name}` is not suitable: {why}."),
    )
    .at(span)
}

pub(crate) fn several_instances(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0912",
        "Which instance is meant is not said",
        format!("{what} has `count` or `for_each`, so it has several instances. Say which, as in `{what}[key]`."),
    )
    .at(span)
}

pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0913",
        "Values depend on each other too deeply",
        "More than 256 values stand between this one and what it depends on. Shorten the chain.",
    )
    .at(span)
}

pub(crate) fn not_available(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0914",
        "Nothing of that name here",
        format!("{what} cannot be used in this place."),
    )
    .at(span)
}

pub(crate) fn final_plan_changed(address: &dyn Display, path: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0915",
        "The final plan differs from the one that was shown",
        format!(
            "Now that everything {address} depends on is known, `{path}` would get another value than the plan had. \
             Nothing was done to it. Plan again to see what would happen now."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn result_inconsistent(address: &dyn Display, path: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0916",
        "The provider made something other than planned",
        format!(
            "After the change, `{path}` of {address} has another value than planned. The object is recorded as it is \
             and marked for replacement. This is a fault of the provider; report it to its maintainers."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn gave_up(what: &str, tries: u32, attempts_max: u32, why: &str) -> Diagnostic {
    let cut_short = if tries < attempts_max {
        ", and so much else failed that its provider gets no more retries in this run"
    } else {
        ""
    };
    Diagnostic::error(
        "SF0917",
        "Gave up after several attempts",
        format!(
            "{what} failed {}{cut_short}. The last failure: {why}. What was done before it is recorded; run the command \
             again to go on from here.",
            times(tries)
        ),
    )
    .about(what)
}

/// How often, in words.
pub(crate) fn times(n: u32) -> String {
    match n {
        1 => String::from("once"),
        2 => String::from("twice"),
        n => format!("{n} times"),
    }
}

pub(crate) fn release_damaged(why: &str) -> Diagnostics {
    Diagnostic::error(
        "SF0918",
        "The release is damaged",
        format!("The stored release cannot be used: {why}. Make it again from its sources."),
    )
    .into()
}

pub(crate) fn ephemeral_unknown(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0934",
        "The configuration of an ephemeral resource is not known",
        format!(
            "It is the turn of {address} to be opened, and a value in its configuration is still not known. It was not \
             opened, and nothing that needs it is done."
        ),
    )
    .about(format!("{address}"))
    .hint(
        "Refer to what is known once the resources that it depends on are there.",
        None,
    )
}

pub(crate) fn condition_on_ephemeral(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0935",
        "A condition that nobody can judge",
        format!(
            "A condition of {what} refers to an ephemeral resource, whose values exist only while something that needs \
             them is carried out. Judge them where they are: in a postcondition of the ephemeral resource, in a \
             precondition of what needs it, or in the validation of a variable."
        ),
    )
    .about(what)
    .at(span)
}

pub(crate) fn health_unknown(address: &dyn Display, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0939",
        "Where the health of an object is looked at is not known",
        format!(
            "{address} is there, and what its `health` block looks at has a value that is not known, or is null where one \
             of http, tcp and command is to be said. The object stays; it counts as not healthy."
        ),
    )
    .at(span)
    .about(format!("{address}"))
}

pub(crate) fn provisioner_unknown(address: &dyn Display, kind: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0931",
        "The arguments of a provisioner are not known",
        format!(
            "It is the turn of the provisioner `{kind}` of {address}, and a value in its arguments or its connection is \
             still not known. It was not run; the object counts as damaged."
        ),
    )
    .about(format!("{address}"))
    .at(span)
    .hint(
        "Refer to what is known once the object is there: self, variables, and resources that this one depends on.",
        None,
    )
}

pub(crate) fn output_sensitive(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0920",
        "The output shows a secret",
        format!(
            "The value of `output.{name}` contains something sensitive. If it is meant to leave the module, say so with \
             `sensitive = true`; it is then kept sealed and shown only to who asks for it by name. If it is no secret, \
             use nonsensitive()."
        ),
    )
    .about(format!("output.{name}"))
    .at(span)
}

pub(crate) fn blocks_in_circle() -> Diagnostic {
    Diagnostic::error(
        "SF0921",
        "Blocks wait for each other",
        "Some blocks could not be planned because each waits for another of them. The compiler should have said so \
         before: this is a fault of Steadfast. Nothing was changed.",
    )
}

pub(crate) fn call_of_opened(provider: &str, function: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0937",
        "A function is given what an ephemeral resource holds",
        format!(
            "The function {function} of {provider} depends on what an ephemeral resource holds, which is known to \
             nobody who could ask it. Compute the value with functions of the language, or let another resource give it."
        ),
    )
}

pub(crate) fn calls_without_end() -> Diagnostic {
    Diagnostic::error(
        "SF0936",
        "Functions of providers call for each other too often",
        format!(
            "What a function of a provider gives is the argument of another one, and so on: {CALL_ROUNDS_MAX} times in a \
             row a call had to be answered before the next one was known. Compute some of it without functions of \
             providers, or give several things to one call. Nothing was changed."
        ),
    )
}

pub(crate) fn moves_in_circle(span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0922",
        "Moves lead in a circle",
        "Each of several `moved` blocks moves on what another one has moved, so none can be the first. Keep the blocks \
         that lead to the names in use now, and take the others away.",
    )
    .at(span)
}

pub(crate) fn moves_blocked(blocked: &[(String, String)]) -> Diagnostic {
    let shown: Vec<String> = blocked
        .iter()
        .take(10)
        .map(|(from, to)| format!("{from} could not move to {to}"))
        .collect();
    Diagnostic::warning(
        "SF0923",
        "A move was passed over",
        format!(
            "There is an object at the new name already: {}. The plan treats the old one as no longer written. Move or \
             forget one of them with `steadfast state mv` or `steadfast state rm` if both are wanted.",
            shown.join("; ")
        ),
    )
}

pub(crate) fn moved_still_written(from: &Endpoint, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0924",
        "What was moved away is still written",
        format!(
            "A `moved` block says that {} has another name now, but it is still written under the old one. Rename the \
             block, or take the `moved` block away.",
            endpoint(from)
        ),
    )
    .at(span)
}

pub(crate) fn removed_still_written(from: &Endpoint, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0925",
        "What was removed is still written",
        format!(
            "A `removed` block says that {} is gone, but it is still written. Take one of the two away.",
            endpoint(from)
        ),
    )
    .at(span)
}

pub(crate) fn moved_left_out(first: &dyn Display, number: usize) -> Diagnostic {
    Diagnostic::error(
        "SF0926",
        "Moved objects are left out",
        format!(
            "The plan is only about a part, but {number} objects outside of it have new names, {first} among them. New \
             names must be written down first: plan without -target and -exclude, or name these objects too."
        ),
    )
    .about(format!("{first}"))
}

pub(crate) fn import_absent(address: &dyn Display, id: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0927",
        "There is nothing to import",
        format!(
            "The provider finds no object with the id \"{id}\" that {address} could take over. Look whether the id is \
             right and whether the object is in the place that the provider looks at."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn imported_twice(address: &dyn Display, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0928",
        "Two imports into one place",
        format!(
            "{address} is the target of more than one import. Only one object can stand there."
        ),
    )
    .about(format!("{address}"))
    .at(span)
}

pub(crate) fn import_invalid(why: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0929",
        "The import cannot be resolved",
        format!(
            "An import needs to be known while planning, and {why}. Take the value from a variable, a local value or \
             something that exists already."
        ),
    )
    .at(span)
}

pub(crate) fn output_ephemeral(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0930",
        "The output would keep what must not be kept",
        format!(
            "The value of `output.{name}` is ephemeral: it lives no longer than the command. Outputs of the root module \
             are written down. Take the output away, or use ephemeralasnull()."
        ),
    )
    .about(format!("output.{name}"))
    .at(span)
}

/// What a `moved` or `removed` block names, as it is written.
fn endpoint(one: &Endpoint) -> String {
    let mut shown = format!("{}", one.module);
    if let Some(resource) = &one.resource {
        if !shown.is_empty() {
            shown.push('.');
        }
        if resource.mode == Mode::Data {
            shown.push_str("data.");
        }
        shown.push_str(&format!(
            "{}.{}{}",
            resource.kind, resource.name, resource.key
        ));
    }
    shown
}

pub(crate) fn never_healthy(service: &str, detail: &str, deadline_ms: u64) -> String {
    let detail = match detail {
        "" => "it was not seen to answer",
        detail => detail,
    };
    format!(
        "a new instance of {service} was not healthy within {} s: {detail}",
        deadline_ms / 1000
    )
}

pub(crate) fn unwell(subject: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1006",
        "An instance is not healthy",
        format!(
            "No rollout was under way, and {why}. What ran goes on running; requests go to the instances that are \
             healthy."
        ),
    )
    .about(subject)
}

pub(crate) fn does_not_stay(service: &str, version: Version, started: u32) -> Diagnostic {
    Diagnostic::error(
        "SF1007",
        "A version does not stay up",
        format!(
            "{started} instances of version {version} were started in this run, and too many of them ended by \
             themselves. No more are started. What runs goes on running, of whichever version it is."
        ),
    )
    .about(format!("service.{service}"))
    .hint(
        "`steadfast logs` shows what they said last. When the version itself is broken by now, deploy another one: its \
         rollout does not wait for this one.",
        None,
    )
}

pub(crate) fn target_invalid(service: &str, what: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF1001",
        "The service cannot be run as written",
        format!("`{what}` of service `{service}` {why}."),
    )
    .about(format!("service.{service}"))
    .at(span)
}

pub(crate) fn artifact_missing(service: &str, artifact: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF1002",
        "The release has no such artifact",
        format!("Service `{service}` runs the artifact `{artifact}`, which was not built in this release."),
    )
    .about(format!("service.{service}"))
    .at(span)
}

pub(crate) fn environment_missing(environment: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1003",
        "No such environment",
        format!(
            "The release has no environment `{environment}`. Add an `environment` block for it."
        ),
    )
}

pub(crate) fn not_accepted_before(
    environment: &str,
    before: &str,
    release: &Digest,
    span: Span,
) -> Diagnostic {
    Diagnostic::error(
        "SF1004",
        "An earlier environment has not accepted this release",
        format!(
            "`{environment}` comes after `{before}`, where release {} has not been rolled out to its end. Deploy it \
             there first: steadfast deploy {before}",
            release.short()
        ),
    )
    .about(format!("environment.{environment}"))
    .at(span)
}

pub(crate) fn quarantined(release: &Digest, why: &str) -> Diagnostic {
    // What follows the first line are the last lines of a log.
    let why = why.lines().next().unwrap_or_default();
    Diagnostic::error(
        "SF1005",
        "The release is in quarantine",
        format!(
            "Release {} was sent back ({why}). It is not deployed again until someone says so: steadfast lift {release}",
            release.short()
        ),
    )
}

pub(crate) fn effect_refused(what: &str, diagnostics: &Diagnostics) -> String {
    let why: Vec<String> = diagnostics
        .iter()
        .map(|one| format!("{}: {}", one.summary, one.detail))
        .collect();
    format!("{what} was refused: {}", why.join("; "))
}

#[cfg(test)]
mod tests {
    //! Each diagnostic once, as a person sees it: `tests/diagnostics.txt` is what they say.

    use super::*;
    use crate::limits::ATTEMPTS_MAX;
    use std::string::ToString as _;

    fn end() -> Endpoint {
        let resource = model::EndpointResource {
            mode: Mode::Managed,
            kind: "host_file".into(),
            name: "a".into(),
            key: model::Key::Index(0),
        };
        Endpoint {
            module: model::ModulePath::default().child("m".into(), model::Key::None),
            resource: Some(resource),
        }
    }

    /// Every factory of this file, called once.
    fn all() -> Vec<Diagnostic> {
        let at = Span::default();
        let address = &"host_file.a";
        let names = [String::from("a"), String::from("b")];
        let release = Digest::of(b"release");
        let mut all = Vec::from([
            count_unknown(address, "count", at),
            count_invalid(address, "is null", at),
            for_each_invalid(address, "is a list", at),
            no_such_instance("host_file.a", "\"c\"", &names, at),
            condition_failed(
                "Resource precondition",
                "The port must be free.",
                "host_file.a",
                at,
            ),
            condition_invalid("Resource precondition", "host_file.a", at),
            destroy_prevented(address, at),
            provider_missing(address, "example.com/none"),
            plan_inconsistent(address, "example.com/odd", "mode"),
            step_cycle(&names),
            variable_unfit("n", "a number is required", at),
            several_instances("host_file.a", at),
            too_deep(at),
            not_available("each.key", at),
            final_plan_changed(address, "mode"),
            result_inconsistent(address, "mode"),
            gave_up("host_file.a", 5, ATTEMPTS_MAX, "the disk was full"),
            ephemeral_unknown(address),
            heals_more(address),
            call_of_opened("example.com/test/mock", "same"),
            calls_without_end(),
            condition_on_ephemeral("check.health", at),
            output_sensitive("password", at),
            provisioner_unknown(address, "local-exec", at),
            health_unknown(address, at),
            takes_back_more(address),
            takes_back_less(address),
            data_in_the_way(address),
            blocks_in_circle(),
            moves_in_circle(at),
            moves_blocked(&[(String::from("host_file.a"), String::from("host_file.b"))]),
            moved_still_written(&end(), at),
            removed_still_written(&end(), at),
            moved_left_out(address, 2),
            import_absent(address, "/etc/motd"),
            imported_twice(address, at),
            import_invalid("the id is empty", at),
            output_ephemeral("token", at),
            target_invalid("web", "port", "is null", at),
            artifact_missing("web", "web", at),
            environment_missing("production"),
            unwell(
                "web (web-1)",
                &never_healthy("web (web-1)", "GET /healthz answered 503", 5_000),
            ),
            does_not_stay("web", Version(release), 7),
            gave_up(
                "host_file.a",
                ATTEMPTS_MAX,
                ATTEMPTS_MAX,
                "the disk was full",
            ),
            not_accepted_before("production", "staging", &release, at),
            quarantined(&release, "too many errors"),
        ]);
        all.extend(release_damaged("it calls a module that it does not hold").0);
        all.sort_by(|a, b| a.code.cmp(&b.code));
        all
    }

    #[test]
    fn each_says_what_its_line_says() {
        let mut said = String::new();
        for one in all() {
            let about = one.address.as_deref().unwrap_or("-");
            said.push_str(&format!(
                "{} | {} | {about} | {}\n",
                one.code, one.summary, one.detail
            ));
        }
        assert_eq!(said, include_str!("../tests/diagnostics.txt").to_string());
    }
}
