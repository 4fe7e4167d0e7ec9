export const shortestPassword = 8;
export const longestPassword = 128;

/** Returns what is wrong with a new password, wherever it is set; null when nothing is. */
export function passwordProblem(password: string): string | null {
  if (password.length < shortestPassword)
    return `The password needs at least ${shortestPassword} characters.`;
  if (password.length > longestPassword)
    return `The password may have at most ${longestPassword} characters.`;
  return null;
}

/** The most common ones of published leaks with as many characters as a password needs. */
const common = new Set(
  `password password1 password12 password123 password1234 passw0rd p@ssw0rd p@ssword pass1234 12345678 123456789
  1234567890 12345678910 87654321 987654321 11111111 00000000 88888888 99999999 12341234 11223344 12121212 1q2w3e4r
  1q2w3e4r5t qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 1qaz2wsx zaq12wsx 1qazxsw2 qazwsxedc asdfghjk asdfghjkl
  asdf1234 zxcvbnm1 abcd1234 abc12345 abcdefgh aa123456 a1234567 a12345678 iloveyou iloveyou1 sunshine sunshine1
  princess princess1 football football1 baseball baseball1 basketball superman superman1 batman123 trustno1 welcome1
  welcome123 letmein1 letmein123 admin123 admin1234 administrator changeme changeme1 changeme123 monkey123 dragon123
  master123 starwars starwars1 computer computer1 internet whatever michelle jennifer jessica1 charlie1 michael1
  samantha corvette mercedes midnight butterfly liverpool chelsea1 arsenal1 blink182 babygirl babygirl1 lovelove
  loveyou1 hello123 hello1234 test1234 testtest secret123 summer2024 summer2025 winter2024 winter2025 spring2025
  contraseña contrasena teamo123 tequiero mariposa estrella alejandro barcelona`.split(/\s+/),
);

/** What is said of a password that is accepted and easily guessed; null for any other. */
export const passwordWarning = (password: string): string | null =>
  common.has(password.toLowerCase())
    ? 'This password is one of the most common ones and easily guessed. Choose another soon.'
    : null;
