//! The parameters of a query or a form.

use crate::gateway::problem::Problem;

/// The parameters of a query or a form.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// These, each a name and a value.
    pub const fn new(parameters: Vec<(String, String)>) -> Self {
        Self(parameters)
    }

    /// The value of a parameter: the first one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must not be there twice (RFC 6749 section 3.1).
    pub fn only(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => {
                Err(Problem::CallbackRejected("a parameter appears twice in the login provider's answer".to_owned()))
            }
        }
    }
}
